import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goName, readService } from '../../../src/kinds/proto.ts';

const primitive = 'primitives/domain/billing';
const path = 'proto/acme/billing/v1/billing.proto';

const read = (text: string, at = path) => readService({ text, path: at, primitive });

test('calls are read past everything else that a proto file has', () => {
  const service = read(`
    // service Comment { rpc A(B) returns (C); }
    syntax = "proto3"; // "
    package acme.billing.v1;
    import public "google/protobuf/timestamp.proto";
    option (acme.opt) = { text: "service Text {" nested { a: 1 } };
    message service { string rpc = 1; enum Kind { KIND_UNSPECIFIED = 0; } oneof of { int32 a = 2; } }
    extend google.protobuf.MethodOptions { string scope = 50001; }
    /* service Other { */
    service Billing {
      option deprecated = true;
      rpc Get(GetRequest) returns (.acme.billing.v1.Invoice) { option (acme.scope) = "}"; }
      rpc watch_all ( google.protobuf.Timestamp ) returns ( stream billing.v1.Invoice.Line ) ;
      rpc Put(stream stream) returns (google.protobuf.Empty);
      rpc Chat(stream Stream) returns (stream Stream);
      ;
    }`);
  expect(service).toEqual({
    name: 'Billing',
    package: 'acme.billing.v1',
    path: 'acme/billing/v1',
    source: '../../../proto/acme/billing/v1/billing.proto',
    root: '../../../proto',
    methods: [
      { name: 'Get', request: 'pb.GetRequest', response: 'pb.Invoice', streaming: 'none' },
      {
        name: 'WatchAll',
        request: 'timestamppb.Timestamp',
        response: 'pb.Invoice_Line',
        streaming: 'server',
      },
      { name: 'Put', request: 'pb.Stream', response: 'emptypb.Empty', streaming: 'client' },
      { name: 'Chat', request: 'pb.Stream', response: 'pb.Stream', streaming: 'both' },
    ],
    imports: ['emptypb', 'timestamppb'],
    streams: true,
    unary: true,
  });
});

const one = 'service S { rpc Get(A) returns (B); }';

describe('refuses', () => {
  test.each([
    [
      'a file that ends too early',
      `package acme.billing.v1;\nservice S {`,
      'proto-invalid',
      ':2: the file ends too early',
    ],
    [
      'a call that is none',
      `package acme.billing.v1;\n\nservice S { rpc Get A; }`,
      'proto-invalid',
      ':3: "A" is unexpected',
    ],
    [
      'a name that is none',
      `package acme.billing.v1;\nservice 1S {}`,
      'proto-invalid',
      ':2: "1S" is unexpected here',
    ],
    ['no service', 'package acme.billing.v1; message A {}', 'proto-services', 'has 0 services'],
    ['two services', `package acme.billing.v1; ${one} ${one}`, 'proto-services', 'has 2 services'],
    ['no package', one, 'proto-package-folder', 'is not in the folder of its package'],
    ['another package', `package acme.orders.v1; ${one}`, 'proto-package-folder', 'is not in the folder'],
    [
      'types of another package',
      'package acme.billing.v1; service S { rpc Get(acme.common.v1.Money) returns (A); }',
      'proto-type-foreign',
      'a method uses acme.common.v1.Money',
    ],
    [
      'well-known types that calls do not use',
      'package acme.billing.v1; service S { rpc Get(google.protobuf.Method) returns (A); }',
      'proto-type-foreign',
      'google.protobuf.Method',
    ],
    ['what is no text', '\0\xff{', 'proto-invalid', ':1: the file ends too early'],
  ])('%s', (_, text, code, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code, exit: 2, message: expect.stringContaining(message) }),
    );
  });

  test('anything else, and soon', () => {
    const words = fc.constantFrom(
      'service',
      'rpc',
      'returns',
      'stream',
      'package',
      'S',
      '{',
      '}',
      '(',
      ')',
      ';',
      '"',
      '/*',
      '\n',
      '.a',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
        try {
          read(parts.join(' '));
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^proto-/) });
        }
      }),
    );
  });
});

test.each([
  ['acme/billing/v1/billing.proto', '../../..', '../../../acme/billing/v1/billing.proto'],
  ['api/proto/acme/billing/v1/x.proto', '../../../api/proto', '../../../api/proto/acme/billing/v1/x.proto'],
])('imports of %s start from %s', (at, root, source) => {
  expect(read(`package acme.billing.v1; ${one}`, at)).toMatchObject({ root, source });
});

test.each([
  ['get_item', 'GetItem'],
  ['GetItem', 'GetItem'],
  ['getItem2x', 'GetItem2X'],
  ['Get_2', 'Get_2'],
  ['Get_Item', 'Get_Item'],
  ['get__item', 'Get_Item'],
  ['Item.Part', 'Item_Part'],
  ['_secret_part', 'XSecretPart'],
])('%s is %s in Go', (name, go) => {
  expect(goName(name)).toBe(go);
});
