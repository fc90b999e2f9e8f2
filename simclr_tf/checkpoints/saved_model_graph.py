"""Names of the variables in a SavedModel, from its object graph.

The tensors of a SavedModel are stored under whatever path was found first
(`trainable_variables_list/7`, `model/resnet_model/variables/100`, ...). The
graph of attributes beside them says which other paths lead there.
"""

from tensorflow.core.protobuf import trackable_object_graph_pb2

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"


def read_graph(reader):
    """The object graph in a checkpoint, a list of nodes, the root first.

    Args:
        reader: a checkpoint reader.

    Returns:
        The nodes; [] if the checkpoint holds no graph.
    """
    if not reader.has_tensor(GRAPH_KEY):
        return []
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    graph.ParseFromString(reader.get_tensor(GRAPH_KEY))
    return graph.nodes


def keys_by_name(nodes, tree):
    """Follows every path of a tree of names that the graph has.

    Args:
        nodes: from `read_graph`.
        tree: nested dicts of names, tuples of names at the leaves; `#`
            stands for any number. See `official.NAME_TREE`.

    Returns:
        dict from path, such as `model/resnet_model/.../kernel`, to the key
        of its tensor.
    """
    found = {}

    def walk(node, below, path):
        for child in node.children:
            name = child.local_name
            pattern = "#" if name.isdigit() else name
            if pattern not in below:
                continue
            if isinstance(below, tuple):
                found[path + name] = tensor_key(nodes[child.node_id])
            else:
                walk(nodes[child.node_id], below[pattern], f"{path}{name}/")

    if nodes:
        walk(nodes[0], tree, "")
    return {name: key for name, key in found.items() if key}


def keys_in_list(nodes, attribute):
    """Keys of the tensors in a list of variables that the root holds.

    Args:
        nodes: from `read_graph`.
        attribute: name of the list.

    Returns:
        A list of keys in the order of the list; [] if there is none.
    """
    children = {c.local_name: c.node_id for c in nodes[0].children}
    if attribute not in children:
        return []
    items = nodes[children[attribute]].children
    items = sorted(items, key=lambda item: int(item.local_name))
    return [tensor_key(nodes[item.node_id]) for item in items]


def tensor_key(node):
    """The key of a variable's tensor, or None if the node is no variable."""
    for attribute in node.attributes:
        if attribute.name == _VALUE:
            return attribute.checkpoint_key
    return None
