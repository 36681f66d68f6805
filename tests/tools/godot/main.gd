extends Node
# Each frame: things move, meet and report, as small scripted games do.
class Thing:
	var at = Vector2()
	var speed = Vector2()
	var name = ""
	func step(delta):
		at += speed * delta
		return at.length()

var things = []
var frames = 0
var wanted = 300

func _ready():
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--frames="):
			wanted = int(argument.substr(9))
	for i in range(108):
		var t = Thing.new()
		t.name = "thing %d" % i
		t.speed = Vector2(i % 7 - 3, i % 5 - 2)
		things.append(t)

func _process(delta):
	OS.has_environment("FRAME")  # calls getenv: the mark of a frame in a program that has no symbols
	var report = {}
	for t in things:
		var far = t.step(delta)
		var words = [t.name, str(far), "%.2f" % t.at.x, "%.2f" % t.at.y]
		report[t.name] = PoolStringArray(words).join(" ")
		var path = []
		for k in range(8):
			path.append({"at": t.at + Vector2(k, k), "step": k})
		report[t.name + " path"] = path
	frames += 1
	if frames == wanted:
		print("frames ", frames, " entries ", report.size())
		get_tree().quit()
