"""The forms of upstream datasets that we read: one module each, by the dataset's name."""

from builders.sources.forms import a_okvqa, vqav2, wildvision
from builders.sources.items import Form

FORMS: dict[str, Form] = {form.name: form for form in (a_okvqa.FORM, vqav2.FORM, wildvision.FORM)}
