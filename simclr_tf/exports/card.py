"""The model card that lies beside exported files."""

INPUT = "float32 RGB in [0, 1], no mean or deviation subtracted"
"""What every exported network takes, for the metadata."""

HEADER = """\
# {title}

An image encoder trained without labels by SimCLR (Chen et al. 2020,
arXiv:2002.05709 and arXiv:2006.10029), exported by simclr_tf {version}.

| | |
|---|---|
{facts}

`simclr_metadata.json` beside this file holds every setting, and the SHA-256
of every file.

Images are float32, RGB, in [0, 1], with no mean or deviation subtracted,
{image_size} x {image_size} in training. Features are the output of the global
average pool, before the projection head.
"""

SAVED_MODEL = """
## Use

```python
import tensorflow as tf

encoder = tf.saved_model.load(path)
features = encoder(images)  # float32 [B, D]
outputs = encoder(images, trainable=False)  # a dict, see below
features = encoder.signatures["uint8_images"](images=pictures)["default"]
```

The signature `uint8_images` takes uint8 images of any size, `jpeg_bytes` a
vector of JPEG files; both preprocess as the evaluation does.
{classifier}

In a Keras 3 model, with weights that train:

```python
import keras
import simclr_tf

encoder = simclr_tf.SavedModelLayer(path)
model = keras.Sequential([encoder, keras.layers.Dense(10)])
logits = model(images)
```

With tensorflow_hub, whose layers are tf_keras layers:
`hub.KerasLayer(path, trainable=True)`.

## Fine-tune

```python
with tf.GradientTape() as tape:
    features = encoder(images, training=True)  # batch statistics
    loss = tf.reduce_mean(features**2)  # yours goes here
gradients = tape.gradient(loss, encoder.trainable_variables)
```

`trainable_variables` are the encoder's; `trainable_variables_list` holds those
of the heads, too. The graph has no collectives.

## Outputs of `encoder(images, trainable=False)`

| name | shape |
|---|---|
{outputs}
"""

CLASSIFIER = """
`predict` and `classify_jpeg` take the same and give `probabilities`, the number
of the most likely class in `classes`, and its name in `names` where names are
known; `assets/labels.txt` lists them.
"""

KERAS = """
## Use

```python
import keras
import simclr_tf  # registers the classes

model = keras.models.load_model(path + "/model.keras")
features, projections, logits = model(images)
```
"""

ONNX = """
## Use

```python
import onnxruntime

session = onnxruntime.InferenceSession(path + "/encoder.onnx")
(features,) = session.run(None, {"images": images})
```
"""

_BODIES = {"savedmodel": SAVED_MODEL, "keras": KERAS, "onnx": ONNX}


def render(metadata):
    """The card as Markdown.

    Args:
        metadata: facts of the run and of the format; "format" names it.

    Returns:
        A string.
    """
    identity = metadata.get("identity", {})
    head = HEADER.format(
        title=_title(identity),
        version=metadata.get("versions", {}).get("simclr_tf", ""),
        facts=_rows(_facts(metadata, identity)),
        image_size=metadata.get("image_size", "?"),
    )
    body = _BODIES[metadata["format"]]
    outputs = metadata.get("outputs", {})
    has_head = metadata.get("num_classes") is not None
    body = body.replace("{classifier}", CLASSIFIER if has_head else "")
    return head + body.replace("{outputs}", _rows(outputs))


def _title(identity):
    if "resnet_depth" not in identity:
        return "SimCLR encoder"
    name = f"SimCLR ResNet-{identity['resnet_depth']}"
    width = identity["width_multiplier"]
    name += f" x{width:g}" if width != 1 else ""
    name += " SK" if identity["sk_ratio"] else ""
    return name + (" SE" if identity["se_ratio"] else "")


def _facts(metadata, identity):
    """What a reader asks first; what is not known is left out."""
    known = {
        "trained on": identity.get("dataset"),
        "steps": metadata.get("global_step"),
        "batch": identity.get("train_batch_size"),
        "temperature": identity.get("temperature"),
        "stem": metadata.get("stem"),
        "weights from": metadata.get("imported", {}).get("path"),
        "classes of the supervised head": metadata.get("num_classes"),
        "licence": "that of the training data and of whoever trained it",
    }
    if metadata.get("imported"):  # these settings are not the weights' own
        for name in ("trained on", "batch", "temperature"):
            known[name] = None
    return {name: fact for name, fact in known.items() if fact is not None}


def _rows(table):
    return "\n".join(f"| {name} | {value} |" for name, value in table.items())
