"use strict";

const MAX_EVENTS = 30;
const at = (id) => document.getElementById(id);
const fixed = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits));

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function showFaces(faces) {
  at("no-face").hidden = faces.length > 0;
  const old = new Map([...at("faces").children].map((node) => [node.dataset.track, node]));
  for (const face of faces) {
    const key = String(face.track_id);
    const labels = Object.keys(face.probabilities);
    let node = old.get(key);
    old.delete(key);
    if (!node) {
      node = element("div", undefined, at("faces"));
      node.className = "face";
      node.dataset.track = key;
      element("b", "", node);
      element("span", "", node);
      for (const label of labels) {
        const row = element("div", undefined, node);
        row.className = "bar";
        element("label", label, row);
        element("progress", undefined, row).max = 1;
        element("output", "", row);
      }
    }
    node.querySelector("b").textContent = face.label;
    node.querySelector("span").textContent = `face ${face.track_id}, ${fixed(face.confidence, 2)}`;
    node.querySelectorAll(".bar").forEach((row, i) => {
      const value = face.probabilities[labels[i]];
      row.querySelector("progress").value = value;
      row.querySelector("output").textContent = fixed(value, 2);
    });
  }
  for (const node of old.values()) node.remove();
}

function showFigures(message) {
  at("state").textContent = `${fixed(message.rate, 1)} frames a second, ${message.dropped} dropped`;
  at("stages").replaceChildren();
  for (const [name, stage] of Object.entries(message.stages)) {
    element("dt", name, at("stages"));
    element("dd", `${fixed(stage.p50_ms, 1)} ms, 95% within ${fixed(stage.p95_ms, 1)}`, at("stages"));
  }
  at("compare").hidden = message.models.length === 0;
  at("models").replaceChildren();
  for (const model of message.models) {
    const row = element("tr", undefined, at("models"));
    element("td", model.name.split("/").pop(), row);
    element("td", model.executed_precision, row);
    element("td", fixed(model.latency_ms.p50, 2), row);
    element("td", fixed(model.agreement, 3), row);
    element("td", fixed(model.max_difference, 3), row);
    element("td", fixed(model.flips_per_minute, 1), row);
  }
}

function showEvents(events) {
  for (const event of events) {
    const before = event.before ? ` after ${fixed(event.lasted_s, 1)} s of ${event.before}` : "";
    const clock = new Date().toLocaleTimeString();
    at("events").prepend(element("li", `${clock} face ${event.track_id} ${event.kind} ${event.label}${before}`));
  }
  while (at("events").children.length > MAX_EVENTS) at("events").lastChild.remove();
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/messages`);
  socket.onmessage = (received) => {
    const message = JSON.parse(received.data);
    showFaces(message.faces);
    showFigures(message);
    showEvents(message.events);
    at("no-picture").hidden = !message.no_frames;
    at("picture").hidden = message.no_frames;
  };
  socket.onclose = () => {
    at("state").textContent = "the camera has stopped; trying again";
    setTimeout(connect, 2000);
  };
}

connect();
