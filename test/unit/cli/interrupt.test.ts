import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { listenForInterrupts } from '../../../src/cli/interrupt.ts';

function fakeProcess() {
  const exits: number[] = [];
  const made = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  return { process: made as unknown as NodeJS.Process, emit: (name: string) => made.emit(name), exits, made };
}

describe('signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ])('%s aborts with exit code %i, the second one ends at once', (name, exit) => {
    const { process, emit, exits } = fakeProcess();
    let told = 0;
    using interrupts = listenForInterrupts(process, () => {
      told += 1;
    });
    expect(interrupts.signal.aborted).toBe(false);
    emit(name);
    expect(interrupts.signal.reason).toMatchObject({ code: 'interrupted', exit, retryable: true });
    expect({ exits, told }).toEqual({ exits: [], told: 1 });
    emit('SIGINT');
    expect(exits).toEqual([130]);
  });

  test('nothing is listened to afterwards', () => {
    const { process, made } = fakeProcess();
    listenForInterrupts(process, () => {})[Symbol.dispose]();
    expect(made.eventNames()).toEqual([]);
  });
});
