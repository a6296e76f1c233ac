import { once } from 'node:events';
import { type Caller, type Item, type NewItem, type Sdk, SdkError } from '../../src/sdk/sdk.ts';

/** An SDK whose services answer with the same items or error every time, or not at all; it remembers who asked. */
export class FakeSdk implements Sdk {
  readonly callers: Caller[] = [];
  readonly created: NewItem[] = [];
  readonly #answer: readonly Item[] | Error | 'silence';

  constructor(answer: readonly Item[] | Error | 'silence') {
    this.#answer = answer;
  }

  async listItems(caller: Caller): Promise<readonly Item[]> {
    this.callers.push(caller);
    if (this.#answer === 'silence') {
      if (!caller.signal.aborted) await once(caller.signal, 'abort');
      throw new SdkError('the call was ended', { cause: caller.signal.reason });
    }
    if (this.#answer instanceof Error) throw this.#answer;
    return this.#answer;
  }

  async createItem(caller: Caller, item: NewItem): Promise<void> {
    await this.listItems(caller);
    this.created.push(item);
  }

  async close(): Promise<void> {}
}
