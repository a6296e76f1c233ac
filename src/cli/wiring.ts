import type { Processes } from '../toolchain/process.ts';
import type { Environment } from './environment.ts';

/**
 * The composition root: makes adapters from the environment, each one once and when it is first asked for, and loads
 * its module only then.
 */
export class Wiring {
  readonly #environment: Environment;
  #processes: Promise<Processes> | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  processes(): Promise<Processes> {
    this.#processes ??= import('../adapters/process.ts').then(({ createProcesses }) =>
      createProcesses(this.#environment.variables),
    );
    return this.#processes;
  }
}
