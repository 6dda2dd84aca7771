"""The forms of upstream datasets that we read: one module each, by the dataset's name."""

from builders.sources.forms import (
    a_okvqa,
    ai2d,
    cc3m,
    cosyn,
    gqa,
    llava,
    mlan,
    mmbench,
    mme,
    pixmo,
    pope,
    scienceqa,
    vqav2,
    wildvision,
)
from builders.sources.items import Form

_SINGLE = (a_okvqa, ai2d, cc3m, gqa, llava, mmbench, mme, pope, scienceqa, vqav2, wildvision)

FORMS: dict[str, Form] = {
    form.name: form for form in (*(module.FORM for module in _SINGLE), *cosyn.FORMS, *mlan.FORMS, *pixmo.FORMS)
}
