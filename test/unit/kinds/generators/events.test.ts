import { describe, expect, test } from 'vitest';
import { readProtoFile } from '../../../../src/kinds/generators/connect/proto-file.ts';
import { eventSchema, eventsDigest } from '../../../../src/kinds/generators/events/events.ts';
import { goEvents } from '../../../../src/kinds/generators/events/go.ts';

const HEAD = 'syntax = "proto3";\npackage acme.v1;\n';
const schemaOf = (body: string) => eventSchema(readProtoFile(`${HEAD}${body}`, 'api.proto'));
const goOf = (body: string) => goEvents(schemaOf(body), 'api.proto');
const EVENT = 'option (primitive.events.v1.event)';
const REQUIRED = '[(primitive.events.v1.required) = true]';

describe('events of a proto file', () => {
  test.each([
    [`message A { ${EVENT} = {}; }`, [{ type: 'acme.v1.A', message: 'acme.v1.A', subject: undefined }]],
    [
      `message A { ${EVENT} = { type: "a.b" subject: 'order.id' }; }`,
      [{ type: 'a.b', message: 'acme.v1.A', subject: 'order.id' }],
    ],
    [
      `message A { ${EVENT}.type = "a"; ${EVENT}.subject = "id"; string id = 1; }`,
      [{ type: 'a', message: 'acme.v1.A', subject: 'id' }],
    ],
    [
      `message A { message B { option (.primitive.events.v1.event) = { type: "b", }; } }`,
      [{ type: 'b', message: 'acme.v1.A.B', subject: undefined }],
    ],
    [`message A { option (other.event) = { type: "a" }; option deprecated = true; }`, []],
    [`// ${EVENT} = {};\nmessage A { string option = 1; }`, []],
  ])('%s', (body, events) => {
    expect(schemaOf(body).events).toEqual(events);
  });

  test('of a file from before the option they are known by name, and whole', () => {
    const older = schemaOf(
      'message Order { string id = 1; optional string note = 2; repeated string lines = 3; }\n' +
        'message OrderCreated { Order order = 1; }\nmessage Recreated {}\nmessage Other { Order order = 1; }',
    );
    expect(older.events).toEqual([
      { type: 'acme.v1.OrderCreated', message: 'acme.v1.OrderCreated', subject: 'order.id' },
    ]);
    const required = older.messages.get('acme.v1.Order')?.map(({ name, isRequired }) => [name, isRequired]);
    expect(required).toEqual([
      ['id', true],
      ['note', false],
      ['lines', false],
    ]);
  });
});

describe('the digest', () => {
  const event = (fields: string) => `message A { ${EVENT} = {}; ${fields} }`;
  const digest = (body: string) => eventsDigest(schemaOf(body));
  const base = digest(`${event('string id = 1; B b = 2;')}message B { int64 n = 1; }`);

  test.each([
    ['order and comments', `message B { int64 n = 1; } /* c */ ${event('B b = 2; string id = 1;')}`],
    [
      'messages outside of events',
      `${event('string id = 1; B b = 2;')} message B { int64 n = 1; } message C {}`,
    ],
  ])('%s do not count', (_what, body) => {
    expect(digest(body)).toBe(base);
  });

  test.each([
    ['a field more', `${event('string id = 1; B b = 2; bool c = 3;')}message B { int64 n = 1; }`],
    [
      'a field of a message in it',
      `${event('string id = 1; B b = 2;')}message B { int64 n = 1; bool c = 2; }`,
    ],
    ['another type', `${event('string id = 1; B b = 2;')}message B { int32 n = 1; }`],
    ['another name', `${event('string key = 1; B b = 2;')}message B { int64 n = 1; }`],
    ['a required field', `${event(`string id = 1 ${REQUIRED}; B b = 2;`)}message B { int64 n = 1; }`],
    ['an event more', `${event('string id = 1; B b = 2;')}message B { ${EVENT} = {}; int64 n = 1; }`],
  ])('%s counts', (_what, body) => {
    expect(digest(body)).not.toBe(base);
  });
});

describe('in Go', () => {
  test('each type of protobuf has one that reads its JSON', () => {
    const go = goOf(`enum Color { RED = 0; }
message Line { int64 n = 1; }
message A { ${EVENT} = {};
  string id = 1; bytes raw = 2; bool is_open = 3; sint32 i = 4; fixed64 u = 5; double d = 6; Color color = 7; Line line = 8;
  google.protobuf.Timestamp at = 9; google.protobuf.Struct any = 10; google.protobuf.Int64Value wrapped = 11;
  repeated int64 many = 12; map<string, Line> by = 13; optional string note = 14; other.v1.Type foreign = 15; }`);
    const fields = [...go.matchAll(/^\t(\w+) +(\S+) +`json:"(\S+)"`$/gm)].map((found) =>
      found.slice(1).join(' '),
    );
    expect(fields).toEqual([
      'ID string id',
      'Raw []byte raw',
      'IsOpen bool isOpen',
      'I int32 i',
      'U uint64 u,string',
      'D float64 d',
      'Color string color',
      'Line *Line line',
      'At time.Time at',
      'Any json.RawMessage any',
      'Wrapped *int64 wrapped,string',
      'Many []json.Number many',
      'By map[string]Line by',
      'Note *string note',
      'Foreign json.RawMessage foreign',
      'N int64 n,string',
    ]);
  });

  test('a required field of a message in a message in a list is asked for, and a loop of types ends', () => {
    const go = goOf(`message Node { string id = 1 ${REQUIRED}; Node next = 2; }
message A { ${EVENT} = {}; repeated Node nodes = 1; }`);
    expect(go).toContain('\tfor _, one := range m.Nodes {\n\t\tif field := one.missing(); field != "" {');
    expect(go).toContain('\tif m.Next != nil {\n\t\tif field := m.Next.missing();');
  });

  test('names that would be the same, or that the code has, get an underscore', () => {
    const go = goOf(`message Types { ${EVENT} = {}; string a_b = 1; string aB = 2; string a__b = 3; }`);
    expect(go).toContain('type Types_ struct');
    expect([...go.matchAll(/^\t(A\w+) /gm)].map(([, name]) => name)).toEqual(['AB', 'AB_', 'AB__']);
  });

  test.each(['order.id', 'id.more', 'n', 'lines', ''])(
    'the subject %j, which is no text in it, is refused',
    (path) => {
      const body = `message A { ${EVENT} = { subject: "${path}" }; string id = 1; int64 n = 2; repeated string lines = 3; }`;
      expect(() => goOf(body)).toThrow(`The subject "${path}" of the event acme.v1.A is not a text in it.`);
    },
  );
});
