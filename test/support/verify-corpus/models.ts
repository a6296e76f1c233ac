import type { RuleId } from '../../../src/features/verify/family.ts';
import type { Corpus, CorpusCase } from './case.ts';
import type { Files } from './tree.ts';

const FLOW = 'primitives/process/flow';
const MODEL = `${FLOW}/bpmn/process.bpmn`;
const CODE = `${FLOW}/internal/handlers/handlers.go`;

/** A model with one job and one message that it waits for; each line is one element. */
const BPMN = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="D" targetNamespace="http://bpmn.io/schema/bpmn">
<bpmn:process id="flow" isExecutable="true">
<bpmn:startEvent id="Start"><bpmn:outgoing>F1</bpmn:outgoing></bpmn:startEvent>
<bpmn:sequenceFlow id="F1" sourceRef="Start" targetRef="Work" />
<bpmn:serviceTask id="Work"><bpmn:extensionElements><zeebe:taskDefinition type="flow.work.do" /></bpmn:extensionElements><bpmn:incoming>F1</bpmn:incoming><bpmn:outgoing>F2</bpmn:outgoing></bpmn:serviceTask>
<bpmn:sequenceFlow id="F2" sourceRef="Work" targetRef="Wait" />
<bpmn:receiveTask id="Wait" messageRef="M"><bpmn:incoming>F2</bpmn:incoming><bpmn:outgoing>F3</bpmn:outgoing></bpmn:receiveTask>
<bpmn:sequenceFlow id="F3" sourceRef="Wait" targetRef="End" />
<bpmn:endEvent id="End"><bpmn:incoming>F3</bpmn:incoming></bpmn:endEvent>
</bpmn:process>
<bpmn:message id="M" name="done"><bpmn:extensionElements><zeebe:subscription correlationKey="=id" /></bpmn:extensionElements></bpmn:message>
</bpmn:definitions>
`;

const method = (name: string, receiver = '(h *Handlers)') =>
  `func ${receiver} ${name}(ctx context.Context, job engine.Job) (engine.Completion, error) {\n\treturn engine.Completion{}, nil\n}\n`;
const GO = `package handlers

var _ model.Handlers = (*Handlers)(nil)

type Handlers struct{}

${method('WorkDo')}`;

function cases(
  rule: RuleId,
  found: readonly (readonly [name: string, files: Files, place: string])[],
  missed: readonly (readonly [name: string, files: Files])[],
): readonly CorpusCase[] {
  const one = (name: string, files: Files, finds?: string): CorpusCase => ({
    rule,
    language: 'bpmn',
    name,
    files,
    finds,
  });
  return [
    ...found.map(([name, files, place]) => one(name, files, place)),
    ...missed.map(([name, files]) => one(name, files)),
  ];
}

/** The model with one text replaced by another. */
function changed(from: string | RegExp, to: string): Files {
  const text = BPMN.replace(from, to);
  if (text === BPMN) throw new Error(`the model has no ${from}`);
  return { [MODEL]: text };
}
const code = (text: string): Files => ({ [CODE]: text });

export const models: Corpus = {
  base: {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${FLOW}/primitive.yaml`]: 'kind: process\nname: flow\n',
    [MODEL]: BPMN,
    [CODE]: GO,
  },
  cases: [
    ...cases(
      'BPMN-001',
      [
        ['no XML', { [MODEL]: 'a model\n' }, `${MODEL}:1`],
        ['no process that runs', changed(' isExecutable="true"', ''), `${MODEL}:3`],
        [
          'a task without a job type',
          changed('<zeebe:taskDefinition type="flow.work.do" />', ''),
          `${MODEL}:6`,
        ],
        [
          'another engine',
          {
            [MODEL]: BPMN.replace(/<bpmn:extensionElements>.*?<\/bpmn:extensionElements>/g, '').replace(
              'id="Work"',
              'id="Work" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:topic="work"',
            ),
          },
          `${MODEL}:6`,
        ],
      ],
      [
        [
          'what the Web Modeler of Camunda 8 adds',
          changed(
            'xmlns:zeebe=',
            'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:diagramRelationId="1" xmlns:zeebe=',
          ),
        ],
        ['a comment', changed('<bpmn:process', '<!-- the flow -->\n<bpmn:process')],
        ['CRLF', { [MODEL]: BPMN.replaceAll('\n', '\r\n') }],
        ['a byte order mark', { [MODEL]: `\ufeff${BPMN}` }],
      ],
    ),
    ...cases(
      'BPMN-002',
      [
        ['no method', code(GO.slice(0, GO.indexOf('func'))), MODEL],
        ['a method with another signature', code(GO.replace('(engine.Completion, error)', 'error')), MODEL],
        ['a method in a comment', code(GO.replace('func (h', '// func (h')), MODEL],
        [
          'a method of another package',
          {
            ...code(GO.slice(0, GO.indexOf('func'))),
            [`${FLOW}/internal/other/other.go`]: `package other\n\n${method('WorkDo')}`,
          },
          MODEL,
        ],
      ],
      [
        [
          'names of parameters left out',
          code(GO.replace('ctx context.Context, job engine.Job', 'context.Context, engine.Job')),
        ],
        ['a receiver that is no pointer', code(GO.replace('(h *Handlers)', '(Handlers)'))],
        [
          'another file of the package',
          {
            ...code(GO.slice(0, GO.indexOf('func'))),
            [`${FLOW}/internal/handlers/work.go`]: `package handlers\n\n${method('WorkDo')}`,
          },
        ],
      ],
    ),
    ...cases(
      'BPMN-003',
      [
        ['one more', code(`${GO}\n${method('WorkUndo')}`), `${CODE}:11`],
        [
          'one in another file',
          { [`${FLOW}/internal/handlers/old.go`]: `package handlers\n\n${method('Old')}` },
          `${FLOW}/internal/handlers/old.go:3`,
        ],
        ['another case', code(`${GO}\n${method('Workdo')}`), `${CODE}:11`],
      ],
      [
        ['a helper', code(`${GO}\nfunc (h *Handlers) id(job engine.Job) string {\n\treturn job.Key\n}\n`)],
        [
          'a method of a test',
          { [`${FLOW}/internal/handlers/a_test.go`]: `package handlers\n\n${method('Fake')}` },
        ],
        [
          'an adapter elsewhere',
          { [`${FLOW}/internal/engine/func.go`]: `package engine\n\n${method('Handle', '(f HandlerFunc)')}` },
        ],
      ],
    ),
    ...cases(
      'BPMN-004',
      [
        ['no message', changed(' messageRef="M"', ''), `${MODEL}:8`],
        ['no name', changed(' name="done"', ''), `${MODEL}:12`],
        [
          'no correlation key',
          changed(
            '<bpmn:extensionElements><zeebe:subscription correlationKey="=id" /></bpmn:extensionElements>',
            '',
          ),
          `${MODEL}:12`,
        ],
      ],
      [
        ['another key', changed('"=id"', '"=order.id"')],
        ['a name with a space', changed('"done"', '"it is done"')],
        [
          'a message that nobody waits for',
          changed('</bpmn:definitions>', '<bpmn:message id="N" name="other" /></bpmn:definitions>'),
        ],
      ],
    ),
    ...cases(
      'BPMN-005',
      [
        [
          'two elements of one id',
          changed('</bpmn:process>', '<bpmn:textAnnotation id="End" /></bpmn:process>'),
          `${MODEL}:11`,
        ],
        ['an id with a space', changed('id="D"', 'id="the model"'), `${MODEL}:2`],
        ['a flow that leads nowhere', changed('targetRef="End"', 'targetRef="Gone"'), `${MODEL}:9`],
      ],
      [
        ['ids that differ in case', changed(/\bF1\b/g, 'f2')],
        ['an id that looks like another', changed(/\bF3\b/g, 'F33')],
        ['another id of the definitions', changed('id="D"', 'id="Definitions_1"')],
      ],
    ),
    ...cases(
      'BPMN-006',
      [
        [
          'a misspelt element',
          changed('</bpmn:process>', '<bpmn:taskk id="T" /></bpmn:process>'),
          `${MODEL}:11`,
        ],
        ['a misspelt attribute', changed('id="Start"', 'id="Start" nam="Start"'), `${MODEL}:4`],
        [
          'a misspelt extension',
          changed(
            '<zeebe:taskDefinition type="flow.work.do" />',
            '<zeebe:taskDefinition type="flow.work.do" /><zeebe:taskDefintion type="a" />',
          ),
          `${MODEL}:6`,
        ],
      ],
      [
        ['a name', changed('id="Start"', 'id="Start" name="Start"')],
        [
          'documentation',
          changed(
            '<bpmn:startEvent id="Start">',
            '<bpmn:startEvent id="Start"><bpmn:documentation>Why</bpmn:documentation>',
          ),
        ],
        ['retries', changed('type="flow.work.do"', 'type="flow.work.do" retries="5"')],
      ],
    ),
    ...cases(
      'BPMN-007',
      [
        [
          'a job type that is computed',
          { ...changed('type="flow.work.do"', 'type="=kind"'), ...code(GO.slice(0, GO.indexOf('func'))) },
          `${MODEL}:6`,
        ],
        [
          'what is left of Camunda 7',
          changed(
            'id="End"',
            'id="End" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:asyncBefore="true"',
          ),
          `${MODEL}:10`,
        ],
        [
          'a task definition on an element that is no job',
          changed(
            'messageRef="M">',
            'messageRef="M"><bpmn:extensionElements><zeebe:taskDefinition type="a" /></bpmn:extensionElements>',
          ),
          `${MODEL}:8`,
        ],
      ],
      [
        [
          'colours',
          changed(
            'id="End"',
            'id="End" xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" bioc:stroke="#831311"',
          ),
        ],
        ['a task definition that is used', changed('type="flow.work.do"', 'type="flow.work.do" retries="1"')],
        [
          'a prefix that nothing has',
          changed('id="End"', 'id="End" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'),
        ],
      ],
    ),
  ],
};
