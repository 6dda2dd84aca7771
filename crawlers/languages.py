"""Wikipedia's languages: the codes that its wikis have in their addresses, and their names as Wikidata has them.

From https://meta.wikimedia.org/wiki/List_of_Wikipedias.
"""

import difflib
from collections.abc import Sequence

CODES = """
aa ab ace ady af ak als alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az azb ba ban bar
bat-smg bbc bcl bdr be be-tarask be-x-old bew bg bh bho bi bjn blk bm bn bo bpy br bs btm bug bxr ca cbk-zam cdo
ce ceb ch chr chy ckb co cr crh cs csb cu cv cy da dag de dga din diq dsb dtp dty dv dz ee el eml en eo es et eu
ext fa fat ff fi fiu-vro fj fo fon fr frp frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw gu guc gur
guw gv ha hak haw he hi hif hr hsb ht hu hy hyw ia iba id ie ig igl ik ilo inh io is it iu ja jam jbo jv ka kaa
kab kbd kbp kcg kg kge ki kk kl km kn knc ko koi krc ks ksh ku kus kv kw ky la lad lb lbe lez lfn lg li lij lld
lmo ln lo lt ltg lv lzh mad mai map-bms mdf mg mhr mi min mk ml mn mni mnw mos mr mrj ms mt mwl my myv mzn nah nan
nap nds nds-nl ne new nia nl nn no nov nqo nr nrm nso nup nv ny oc olo om or os pa pag pam pap pcd pcm pdc pfl pi
pih pl pms pnb pnt ps pt pwn qu rm rmy rn ro roa-rup roa-tara rsk ru rue rup rw sa sah sat sc scn sco sd se sg
sgs sh shi shn si simple sk skr sl sm smn sn so sq sr srn ss st stq su sv sw syl szl szy ta tay tcy tdd te tet tg
th ti tig tk tl tly tn to tpi tr trv ts tt tum tw ty tyv udm ug uk ur uz ve vec vep vi vls vo vro wa war wo wuu
xal xh xmf yi yo yue za zea zgh zh zh-classical zh-min-nan zh-yue zu
"""
LANGUAGES = frozenset(CODES.split())
SITES = {"be-tarask": "be_x_oldwiki", "nb": "nowiki"}


def check_languages(languages: Sequence[str]) -> None:
    """Raise ValueError for the first that is no language of Wikipedia."""
    for language in languages:
        if language not in LANGUAGES:
            near = difflib.get_close_matches(language, sorted(LANGUAGES), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "expected codes such as en, it or zh"
            raise ValueError(f"language {language!r}: Wikipedia has none with this code; {hint}")


def site_id(language: str) -> str:
    """A language's Wikipedia as Wikidata names it: zh-min-nan is zh_min_nanwiki."""
    return SITES.get(language, language.replace("-", "_") + "wiki")


def is_wikipedia(site: str) -> bool:
    """Whether a site of Wikidata, or the code of a language link, is a Wikipedia."""
    code = site.removesuffix("wiki").replace("_", "-")
    return code in LANGUAGES
