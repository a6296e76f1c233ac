import type { Caller, Item, Sdk } from '../../src/sdk/sdk.ts';

/** An SDK whose services answer with the same items, or the same error, every time; it remembers who asked. */
export class FakeSdk implements Sdk {
  readonly callers: Caller[] = [];
  readonly #answer: readonly Item[] | Error;

  constructor(answer: readonly Item[] | Error) {
    this.#answer = answer;
  }

  async listItems(caller: Caller): Promise<readonly Item[]> {
    this.callers.push(caller);
    if (this.#answer instanceof Error) throw this.#answer;
    return this.#answer;
  }

  async close(): Promise<void> {}
}
