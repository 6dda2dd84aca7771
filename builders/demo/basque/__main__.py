"""`python -m builders.demo.basque FOLDER --at URL`: files to try the Basque recipes on before one has the datasets."""

import argparse
from pathlib import Path

from builders.demo.basque.sample import write_images, write_rows

EXAMPLES = """example:
  python -m builders.demo.basque sample --at http://127.0.0.1:8000
  python -m http.server --directory sample/images/web --bind 127.0.0.1 8000 &
  python builders/cc3m_eus.py --input sample/cc3m --allow-host 127.0.0.1:8000 --contact me@example.org --output OUT"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m builders.demo.basque",
        description="Small files in the formats that the Basque recipes read.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where they go, one folder a dataset, and images/")
    parser.add_argument("--at", default="http://127.0.0.1:8000", metavar="URL", help="where images/web is served")
    options = parser.parse_args()
    write_images(options.folder / "images")
    write_rows(options.folder, options.at)
    print(f"written to {options.folder}: {', '.join(sorted(path.name for path in options.folder.iterdir()))}")
