/** Tells a person that a long step is under way: a ticking line on a terminal, plain lines elsewhere. */
export class Progress implements Disposable {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #label: string;

  constructor(label: string) {
    this.#label = label;
    const live = process.stderr.isTTY === true;
    process.stderr.write(live ? label : `${label}\n`);
    this.#timer = setInterval(() => this.#tick(live), live ? 1000 : 30_000);
    this.#timer.unref();
  }

  /** Whole seconds since the step began. */
  get seconds(): number {
    return Math.round((performance.now() - this.#started) / 1000);
  }

  #tick(live: boolean): void {
    process.stderr.write(live ? `\r${this.#label} ${this.seconds} s` : `  … ${this.seconds} s\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
