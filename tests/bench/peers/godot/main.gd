# SPDX-License-Identifier: MIT
#
# Bulk, with Godot's HTTPRequest, as its documentation uses it: the node downloads in its own processing, once per frame, or with
# `use_threads` in a thread of its own. A frame's network work lies between the signal `idle_frame` and the nodes' `_process`.
#
#   godot3-server --path tests/bench/peers/godot --url=URL --bytes=N --sha256=HEX --fps=N [--chunk=BYTES] [--threads=1] [--file=PATH]
#                 [--validate=0]
extends Node

const OVERRUN_MARGIN_US = 500

var options = {"chunk": "0", "threads": "0", "file": "", "slice_us": "2000", "validate": "1"}
var request = HTTPRequest.new()
var tick_us = []
var frame_start_us = 0
var start_us = 0
var late_frames = 0
var due_us = 0


func _ready():
	for argument in OS.get_cmdline_args():
		var parts = argument.trim_prefix("--").split("=", true, 1)
		if parts.size() == 2:
			options[parts[0]] = parts[1]
	Engine.target_fps = int(options["fps"])
	request.use_threads = options["threads"] == "1"
	if int(options["chunk"]) > 0:
		request.download_chunk_size = int(options["chunk"])
	request.download_file = options["file"]
	add_child(request)
	var failed = request.connect("request_completed", self, "_on_completed")
	failed = failed or get_tree().connect("idle_frame", self, "_on_idle_frame")
	start_us = OS.get_ticks_usec()
	if failed or request.request(options["url"], PoolStringArray(), options["validate"] == "1") != OK:
		get_tree().quit(1)


func _on_idle_frame():
	frame_start_us = OS.get_ticks_usec()
	if due_us > 0 and frame_start_us > due_us + 1000:
		late_frames += 1
	due_us = frame_start_us + 1000000 / int(options["fps"])


func _process(_delta):
	if frame_start_us > 0:
		tick_us.append(OS.get_ticks_usec() - frame_start_us)


func _on_completed(result, response_code, _headers, body):
	var seconds = (OS.get_ticks_usec() - start_us) / 1000000.0
	var size = body.size() if options["file"] == "" else size_of_file()
	var is_right = sha256_of(body) == options["sha256"] and size == int(options["bytes"])
	print(to_json({
		"bytes": size,
		"seconds": seconds,
		"frames": tick_us.size(),
		"late_frames": late_frames,
		"tick_us": summary(tick_us),
		"overruns": {"limit_us": int(options["slice_us"]) + OVERRUN_MARGIN_US, "wall": overruns()},
		"verified": is_right and result == HTTPRequest.RESULT_SUCCESS and response_code == 200,
	}))
	get_tree().quit()


func size_of_file():
	var file = File.new()
	return file.get_len() if file.open(options["file"], File.READ) == OK else 0


func sha256_of(body):
	if options["file"] != "":
		return File.new().get_sha256(options["file"])
	var hash_context = HashingContext.new()
	hash_context.start(HashingContext.HASH_SHA256)
	if body.size() > 0:
		hash_context.update(body)
	return hash_context.finish().hex_encode()


func overruns():
	var count = 0
	for figure in tick_us:
		if figure > int(options["slice_us"]) + OVERRUN_MARGIN_US:
			count += 1
	return count


func summary(figures):
	if figures.empty():
		return {"count": 0}
	var ordered = figures.duplicate()
	ordered.sort()
	return {
		"count": ordered.size(),
		"min": ordered[0],
		"p50": rank(ordered, 0.5),
		"p99": rank(ordered, 0.99),
		"max": ordered[-1],
	}


func rank(ordered, part):
	return ordered[int(clamp(ceil(part * ordered.size()), 1, ordered.size())) - 1]
