// Package bpmn has the process model, so that the program deploys the very model that it was built for.
package bpmn

import _ "embed" // for process.bpmn

// FileName is what the model is called in the engine.
const FileName = "process.bpmn"

// Process is the model.
//
//go:embed process.bpmn
var Process []byte
