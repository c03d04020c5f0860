"""What the tables and the chart say, from the figures of one network as they lie in the JSON file."""
import statistics

from comparison.engines import ENGINES, PROJECT

#: Columns of the tables, in their order.
FAMILIES = ["This project", "PyTorch", "ONNX Runtime", "OpenVINO", "ncnn"]
OTHERS = FAMILIES[1:]


class Figures:
    """The figures of one network; `defaults` takes the other engines as they come and not held to float32."""

    def __init__(self, entry, defaults=False):
        self.entry = entry
        self._chosen = {}
        for family in FAMILIES:
            members = [
                engine for engine in ENGINES
                if engine.family == family and (engine.name == PROJECT or (engine.is_default if defaults else engine.is_float32))]
            timed = [engine for engine in members if "median_milliseconds" in entry["engines"].get(engine.name, {})]
            # Of several the faster one; of none that works the first, for its reason.
            self._chosen[family] = min(
                timed, key=lambda engine: entry["engines"][engine.name]["median_milliseconds"], default=members[0])

    def engine(self, family):
        """The engine that counts for a family."""
        return self._chosen[family]

    def result(self, family):
        """Its figures, or nothing where it has none."""
        result = self.entry["engines"].get(self._chosen[family].name, {})
        return result if "median_milliseconds" in result else None

    def reason(self, family):
        """Why it has none."""
        return self.entry["engines"].get(self._chosen[family].name, {}).get("reason", "not measured")

    def milliseconds(self, family):
        result = self.result(family)
        return result and result["median_milliseconds"]

    def start_seconds(self, family):
        result = self.result(family)
        return result and statistics.median(result["start_seconds"])

    def ratio(self, measure):
        """The least of the other engines by a measure, over this project's."""
        mine = measure("This project")
        others = [value for family in OTHERS if (value := measure(family)) is not None]
        return min(others) / mine if mine and others else None

    @property
    def fastest(self):
        """The family of the fastest other engine."""
        return min((family for family in OTHERS if self.result(family)), key=self.milliseconds, default=None)
