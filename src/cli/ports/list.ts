import type { ListPorts } from '../../features/list/run.ts';
import type { Session } from '../session.ts';

/** What `list` works with in a session. */
export function listPorts({ wiring, environment, emit }: Session): ListPorts {
  return {
    cwd: environment.cwd,
    workspace: () => wiring.workspace(),
    kinds: () => wiring.kinds(),
    tree: () => wiring.repository(),
    emit,
  };
}
