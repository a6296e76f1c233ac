import type { Family, Fix, Rule, RuleId } from './rule.ts';

/** What kept a check from running. Each cause has a rule of the family INT. */
export interface Obstacle {
  readonly cause: /** A program is not on PATH. */
    | 'tool-missing'
    /** A program is there in a wrong version, or failed where it has no reason to. */
    | 'tool-failed'
    /** What the lock file of a primitive names is not installed. */
    | 'dependencies-missing'
    /** Nobody said where a service is that a required suite needs. */
    | 'service-missing'
    /** The config requires suites, and the request leaves them out. */
    | 'tests-left-out'
    /** A file cannot be read. */
    | 'file-unreadable';
  /** Of the checks that could not run. */
  readonly families: readonly Family[];
  /** Relative to the root of the repository: a file, or the folder of a primitive. */
  readonly path: string;
  /** One sentence that begins with the thing. */
  readonly message: string;
  readonly fix?: Fix;
}

/** The rule that reports the obstacles of a cause. */
export function obstacleRule(id: RuleId, cause: Obstacle['cause'], title: string): Rule<'obstacle'> {
  return {
    id,
    level: 'error',
    title,
    subject: 'obstacle',
    check: (obstacle) =>
      obstacle.cause === cause
        ? [{ message: obstacle.message, ...(obstacle.fix === undefined ? {} : { fix: obstacle.fix }) }]
        : [],
  };
}
