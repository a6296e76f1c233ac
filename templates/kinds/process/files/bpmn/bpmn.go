// Package bpmn embeds the process model, so that the program deploys the model that it was built with.
package bpmn

import _ "embed" // for process.bpmn

// FileName is the resource name of the model in the engine.
const FileName = "process.bpmn"

// Process is the BPMN model.
//
//go:embed process.bpmn
var Process []byte
