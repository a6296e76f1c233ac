import { optional } from '../../core/object.ts';
import type { RuleId } from './family.ts';
import type { Rule } from './rule.ts';
import type { Obstacle } from './subjects.ts';

/** The rule that reports the obstacles of a cause. */
export function obstacleRule(id: RuleId, cause: Obstacle['cause'], title: string): Rule<'obstacle'> {
  return {
    id,
    level: 'error',
    title,
    subject: 'obstacle',
    check: (obstacle) =>
      obstacle.cause === cause ? [{ message: obstacle.message, ...optional('fix', obstacle.fix) }] : [],
  };
}
