"""Write ``data.js``: the data of the explorable page, made from the repository's own files.

- Images: training images 5,000 to 6,999 and the first 1,000 test images of MNIST, each square of 2 × 2 pixels
  averaged and rounded to 8 grey levels, packed as base64 of a zlib stream.
- The published table of test accuracies beside ours: all of MNIST, trained with the code of
  ``examples/plot_mnist_losses.py``, which also holds the published figures.
- The training texts of ``data/corpus``, the test text about the sea, and a short Chinese text.

Run it: ``python docs/explore/make_data.py``. It takes two minutes.
"""

import base64
import json
import sys
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEVELS = 8
TRAIN = slice(5_000, 7_000)
TEST = slice(0, 1_000)

CHINESE = (
    "潮水退去,港口空了,小船静静躺在泥上。我们等到涨潮前一小时,趁着水流把船送出灯塔。"
    "风从西边吹来,海面起了短浪。我们收小了帆,船身又轻了。两次转向之后,船绕过了海角,"
    "第三次转向到了水道的第一个浮标。一艘大船从我们船头前面开过,我们让它先走,从它船尾后面过去。"
    "四点钟起了雾,我们记下航向和船速,慢慢往回走。雾里听见灯塔的钟声,一声长,一声短。"
    "天黑以前,风小了,海面平了,我们看见港口的灯。船靠了岸,我们把帆收好,把水擦干,明天再出海。"
)


def coarse(images):
    """Average 2 × 2 pixels and round to whole grey levels."""
    means = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return np.rint(means.astype(np.float64) * (LEVELS - 1)).astype(np.uint8).reshape(-1, 14 * 14)


def paired(images):
    """Put each pixel and the one below it into one byte, which packs better."""
    upper, lower = images.reshape(-1, 7, 2, 14).transpose(2, 0, 1, 3)
    return LEVELS * upper + lower


def packed(values):
    """Pack bytes for the page."""
    compressor = zlib.compressobj(9, strategy=zlib.Z_FILTERED)
    packets = compressor.compress(np.ascontiguousarray(values, np.uint8).tobytes()) + compressor.flush()
    return base64.b64encode(packets).decode()


def image_data(mnist):
    """Return the images and labels of the subset."""
    X_train, y_train, X_test, y_test = mnist
    images = np.concatenate([coarse(X_train[TRAIN]), coarse(X_test[TEST])])
    labels = np.concatenate([y_train[TRAIN], y_test[TEST]])
    return {
        "side": 14,
        "levels": LEVELS,
        "nClasses": 10,
        "nTrain": TRAIN.stop - TRAIN.start,
        "nTest": TEST.stop - TEST.start,
        "pixels": packed(paired(images)),
        "labels": packed(labels),
    }


def published_and_ours(example, mnist):
    """Train on all of MNIST; return the accuracies by the name that the page has for the loss."""
    X_train, y_train, X_test, y_test = mnist
    left_out = example.LEFT_OUT
    table = {}
    for run in example.RUNS:
        ours = example.accuracy_per_pass(run, X_train[left_out:], y_train[left_out:], X_test, y_test)
        table[run.name.replace(" ", "_").replace("-", "_")] = {
            "rate": run.learning_rate,
            "published": list(run.published),
            "ours": [round(float(accuracy), 4) for accuracy in ours],
        }
    return {"nTrain": len(y_train) - left_out, "nTest": len(y_test), "batchSize": 100, "runs": table}


def texts():
    """Return the texts to train on and to score."""
    corpus = ROOT / "data" / "corpus"
    topics = ("sea", "sky", "kitchen")
    return {
        **{topic: (corpus / "train" / f"{topic}.txt").read_text(encoding="utf-8") for topic in topics},
        "chinese": CHINESE,
        "test": (corpus / "test" / "sea.txt").read_text(encoding="utf-8"),
    }


def main():
    """Make the data and write them."""
    sys.path.insert(0, str(ROOT / "examples"))
    import _mnist
    import plot_mnist_losses

    mnist = _mnist.load_mnist()
    data = {
        "images": image_data(mnist),
        "mnist": published_and_ours(plot_mnist_losses, mnist),
        "texts": texts(),
    }
    licence = (
        "/* Written by make_data.py. The images are a reduction of MNIST, (c) Yann LeCun and Corinna Cortes, under "
        "CC BY-SA 3.0. */"
    )
    body = json.dumps(data, ensure_ascii=False, indent=0, separators=(",", ":"))
    guard = 'if (typeof module !== "undefined") module.exports = data;'
    (HERE / "data.js").write_text(f"{licence}\nconst data = {body};\n{guard}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
