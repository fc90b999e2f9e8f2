import pytest

from simclr_tf import errors
from simclr_tf.losses import implementations, ntxent, ntxent_streaming


@pytest.mark.parametrize(
    ("name", "num_images", "num_replicas", "expected"),
    [
        ("auto", 2047, 1, ntxent.nt_xent),
        ("auto", 2048, 1, ntxent_streaming.nt_xent_streaming),
        ("auto", 4096, 8, ntxent.nt_xent),
        ("dense", 4096, 1, ntxent.nt_xent),
        ("streaming", 2, 8, ntxent_streaming.nt_xent_streaming),
    ],
)
def test_the_pairs_of_one_replica_decide(
    name, num_images, num_replicas, expected
):
    found = implementations.choose(
        name, num_images=num_images, num_replicas=num_replicas
    )
    assert found is expected


def test_another_name_is_refused():
    with pytest.raises(errors.UserError, match="nt_xent must be one of auto"):
        implementations.choose("fast", num_images=8, num_replicas=1)
