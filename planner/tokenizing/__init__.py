"""How reference tokenizers cut a sample of the user's text, and what that costs."""

from planner.tokenizing.checking import VocabularyCheck, check_vocabulary
from planner.tokenizing.vocabularies import Vocabulary, installed

__all__ = ["Vocabulary", "VocabularyCheck", "check_vocabulary", "installed"]
