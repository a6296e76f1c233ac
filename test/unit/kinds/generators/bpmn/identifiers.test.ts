import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goIdentifier, goString } from '../../../../../src/kinds/generators/bpmn/identifiers.ts';

describe('a name as part of a Go identifier', () => {
  test.each<[string, string | undefined]>([
    ['charge', 'Charge'],
    ['charge-card', 'ChargeCard'],
    ['chargeCard', 'ChargeCard'],
    ['charge_card', 'ChargeCard'],
    ['order.payment.request.v1', 'PaymentRequestV1'],
    ['order', 'Order'],
    ['order.', 'Order'],
    ['orders.paid', 'OrdersPaid'],
    ['order:paid', 'Paid'],
    ['v1.2', 'V1_2'],
    ['v12', 'V12'],
    ['  pay  now ', 'PayNow'],
    ['HTTP', 'HTTP'],
    ['größe', 'Größe'],
    ['über', 'Über'],
    ['ßen', 'ßen'],
    ['e\u0301clair', 'Éclair'],
    ['3ds', '3ds'],
    ['order.3ds', '3ds'],
    ['支付', '支付'],
    ['---', undefined],
    ['', undefined],
  ])('%j is %s', (name, expected) => {
    expect(goIdentifier(name, 'order')).toBe(expected);
  });
});

test('a Go string has its text back, and shows every character that does not show', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const literal = goString(text);
      expect(literal).toMatch(/^"[^\p{C}]*"$/u);
      const back = literal.replace(/\\U([0-9a-f]{8})/g, (_, hex: string) =>
        JSON.stringify(String.fromCodePoint(Number.parseInt(hex, 16))).slice(1, -1),
      );
      expect(JSON.parse(back)).toBe(text);
    }),
  );
});
