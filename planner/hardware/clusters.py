"""Cluster: so many of one accelerator, at a utilisation and a price.

The one home of FLOPs <-> GPU-hours <-> days <-> dollars <-> energy. It refuses to know how a model is parallelised:
utilisation is that of whole published runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware import energy, prices
from planner.hardware.accelerators import Accelerator
from planner.hardware.prices import Price
from planner.hardware.utilisation import Facts, Kind, Precision, Utilisation, Work, refuse_unknown, stated
from planner.hardware.utilisation.values import UNKNOWN_WORK
from planner.units import read, show

MOST_GPUS = 1e9
_COUNTED = re.compile(r"(?P<count>[-+]?[\d.][\d.,_]*(?:e[-+]?\d+)?[kKmM]?)(?:\s*[x×*]\s*|\s+)(?P<name>.*)", re.DOTALL)
_HOW = 'Write it like "512x h100".'


@dataclass(frozen=True, slots=True, init=False)
class Cluster:
    """`gpus` accelerators of one kind that train together.

    Args:
        accelerator: a name such as "h100", or an Accelerator.
        gpus: how many.
        utilisation: of the whole run, a fraction of the bf16 peak, text or an Estimate; by default the product of `mfu`
            and `goodput`.
        mfu: model FLOPs utilisation of steady training steps; by default predicted from published runs.
        goodput: the share of the GPU-hours that training steps get of all that are paid; by default as `mfu`.
        price: USD per GPU-hour as a number, "$2.50" or an Estimate; a tier such as "spot"; or a provider such as
            "lambda". By default the on-demand price of the snapshot.
        when: month of the run such as "2023-07", for prices and utilisation known by then; by default the latest.
        kind: "dense" or "moe": mixtures of experts reach lower utilisation.
        precision: "bf16", "fp16" or "fp8", in which most of the run computes; by default what is usual.
        work: what is trained, on which the predicted utilisation depends; see `training`.
    """

    accelerator: Accelerator
    gpus: int
    used: Utilisation
    rate: Price | None
    when: str | None
    kind: Kind
    precision: Precision | None
    work: Work
    given_price: float | str | None
    given_utilisation: float | str | None
    given_mfu: float | str | None
    given_goodput: float | str | None

    def __init__(
        self,
        accelerator: Accelerator | str,
        gpus: float = 1,
        *,
        utilisation: float | str | None = None,
        mfu: float | str | None = None,
        goodput: float | str | None = None,
        price: float | str | None = None,
        when: str | None = None,
        kind: Kind = "dense",
        precision: Precision | None = None,
        work: Work = UNKNOWN_WORK,
    ) -> None:
        chip = Accelerator.of(accelerator) if isinstance(accelerator, str) else accelerator
        refuse_unknown(chip, kind, precision)
        month = None if when is None else prices.month(when)
        count = _whole(gpus)
        facts = Facts(
            accelerator=chip,
            kind=kind,
            precision=precision,
            active_params=work.active_params,
            tokens=work.tokens,
            gpus=count,
            month=month,
        )
        values = {
            "accelerator": chip,
            "gpus": count,
            "used": stated(facts, utilisation, mfu, goodput),
            "rate": _rate(chip, price, month),
            "when": month,
            "kind": kind,
            "precision": precision,
            "work": work,
            "given_price": price,
            "given_utilisation": utilisation,
            "given_mfu": mfu,
            "given_goodput": goodput,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str | Cluster) -> Cluster:
        """The cluster that `text` describes: "512x h100", "8 tpu-v4", or "h100" for one; a Cluster passes through.

        Raises:
            InputError: there is no whole number of accelerators, or no accelerator.
            UnknownName: no accelerator is called so.
        """
        if isinstance(text, Cluster):
            return text
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"cluster is {text!r}, which names no accelerator.", mend=_HOW)
        match = _COUNTED.fullmatch(text.strip())
        if match is None:
            return cls(text)
        if not match["name"].strip():
            raise InputError(f"cluster: {text!r} names no accelerator.", mend=_HOW)
        return cls(match["name"], read(match["count"], "gpus", name="cluster size"))

    def at(
        self,
        *,
        gpus: float | None = None,
        utilisation: float | str | None = None,
        mfu: float | str | None = None,
        goodput: float | str | None = None,
        price: float | str | None = None,
        when: str | None = None,
        kind: Kind | None = None,
        precision: Precision | None = None,
        work: Work | None = None,
    ) -> Cluster:
        """This cluster with another size, utilisation, price, month or kind of model; what is left out stays.

        A utilisation of the whole run takes the place of given factors, and a factor that of a given utilisation.
        """
        whole = self.given_utilisation if utilisation is None and mfu is None and goodput is None else utilisation
        kept = utilisation is None
        return Cluster(
            self.accelerator,
            self.gpus if gpus is None else gpus,
            utilisation=whole,
            mfu=self.given_mfu if mfu is None and kept else mfu,
            goodput=self.given_goodput if goodput is None and kept else goodput,
            price=self.given_price if price is None else price,
            when=self.when if when is None else when,
            kind=self.kind if kind is None else kind,
            precision=self.precision if precision is None else precision,
            work=self.work if work is None else work,
        )

    def training(self, *, active_params: float, tokens: float | None = None) -> Cluster:
        """This cluster with the model that it trains, for which its utilisation is predicted anew.

        Args:
            active_params: parameters that each token passes through.
            tokens: training tokens, where they are known.
        """
        return self.at(work=Work(float(active_params), None if tokens is None else float(tokens)))

    @property
    def utilisation(self) -> Estimate:
        """Utilisation of the whole run: 6 x active parameters x tokens over GPU-hours x bf16 peak."""
        return self.used.value

    @property
    def utilisation_basis(self) -> str:
        """Where the utilisation comes from."""
        return self.used.basis

    @property
    def mfu(self) -> Estimate | None:
        """Model FLOPs utilisation of steady training steps; None where only the whole utilisation was given."""
        return None if self.used.mfu is None else self.used.mfu.value

    @property
    def goodput(self) -> Estimate | None:
        """Share of the paid GPU-hours that training steps get; None where only the whole utilisation was given."""
        return None if self.used.goodput is None else self.used.goodput.value

    @property
    def price(self) -> Estimate | None:
        """USD per GPU-hour, or None where the snapshot has no price for this accelerator."""
        return None if self.rate is None else self.rate.value

    @property
    def price_basis(self) -> str:
        """Tier, providers and dates of the price."""
        return "no price known" if self.rate is None else self.rate.basis

    @property
    def kwh_per_gpu_hour(self) -> Estimate:
        """Electricity at the meter per GPU-hour, server and cooling included."""
        known = energy.kwh_per_gpu_hour(self.accelerator)
        if known is None:
            raise energy.missing_power(self.accelerator)
        return known

    def gpu_hours(self, flops: float | str) -> Estimate:
        """GPU-hours that `flops` of training take."""
        return _amount(flops, "flops", "flops").over(self._flops_per_gpu_hour)

    def days(self, flops: float | str) -> Estimate:
        """Days that `flops` of training take on the whole cluster."""
        return self.gpu_hours(flops).scaled(1 / (24 * self.gpus))

    def usd(self, flops: float | str) -> Estimate:
        """US dollars to rent the GPU-hours of `flops`."""
        return self.gpu_hours(flops).times(self._known_price)

    def kwh(self, flops: float | str) -> Estimate:
        """Electricity for `flops`, server and cooling included."""
        return self.gpu_hours(flops).times(self.kwh_per_gpu_hour)

    def kg_co2(self, flops: float | str, *, region: str = "USA") -> Estimate:
        """CO2-equivalent of the electricity for `flops` on the grid of `region`; building the chips is left out."""
        return self.kwh(flops).scaled(energy.carbon(region).kg_per_kwh)

    def flops_in_gpu_hours(self, gpu_hours: float | str) -> Estimate:
        """Training FLOPs that fit into `gpu_hours`."""
        return _amount(gpu_hours, "gpu_hours", "gpu_hours").times(self._flops_per_gpu_hour)

    def flops_in_days(self, days: float | str) -> Estimate:
        """Training FLOPs that the whole cluster does in `days`."""
        return self.flops_in_gpu_hours(_amount(days, "days", "days").scaled(24 * self.gpus))

    def flops_for_usd(self, usd: float | str) -> Estimate:
        """Training FLOPs that `usd` of rent buy."""
        return self.flops_in_gpu_hours(_amount(usd, "usd", "usd").over(self._known_price))

    def flops_for_kwh(self, kwh: float | str) -> Estimate:
        """Training FLOPs that `kwh` of electricity buy."""
        return self.flops_in_gpu_hours(_amount(kwh, "kwh", "kwh").over(self.kwh_per_gpu_hour))

    def kwh_as_reported(self, gpu_hours: float | str, *, pue: float = 1.1) -> float:
        """Electricity of `gpu_hours` as model cards report it: rated chip power x PUE.

        LLaMA Table 15 (arXiv 2302.13971) and Meta's cards; it leaves out processors, network and partial load.
        """
        if self.accelerator.power_watts is None:
            raise energy.missing_power(self.accelerator)
        return read(gpu_hours, "gpu_hours", name="gpu_hours") * self.accelerator.power_watts / 1000 * pue

    def __str__(self) -> str:
        return f"{self.gpus:,}x {self.accelerator.name}"

    @property
    def _flops_per_gpu_hour(self) -> Estimate:
        return self.utilisation.scaled(self.accelerator.flops_per_second * 3600)

    @property
    def _known_price(self) -> Estimate:
        if self.price is None:
            raise InputError(
                f"The price snapshot has no {self.accelerator.name}.",
                mend="Give price=... in US dollars per GPU-hour, for example price=2.50.",
            )
        return self.price


def _whole(gpus: float) -> int:
    """`gpus` as a whole number."""
    count = read(gpus, "gpus", name="cluster size")
    if count != int(count) or count > MOST_GPUS:
        raise InputError(f"cluster size must be a whole number up to {show(MOST_GPUS, 'gpus')}, not {gpus}.", mend=_HOW)
    return int(count)


def _rate(chip: Accelerator, choice: float | str | None, month: str | None) -> Price | None:
    if choice is not None and (not isinstance(choice, str) or prices.is_number(choice)):
        return prices.given(choice)
    found = prices.snapshot(chip.key, choice, month)
    if found is None and choice is not None:
        raise InputError(
            f"The price snapshot has no {chip.name}, so not {choice!r} either.",
            mend="Give price=... in US dollars per GPU-hour, for example price=2.50.",
        )
    return found


def _amount(value: float | str, unit: str, name: str) -> Estimate:
    """What the user gave as an Estimate in base units; one that is an Estimate already keeps its interval."""
    if isinstance(value, Estimate):
        read(value.low, unit, name=name)
        return value
    return Estimate.exact(read(value, unit, name=name))
