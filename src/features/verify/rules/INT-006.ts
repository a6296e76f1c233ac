import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-006', 'tests-left-out', 'Required test suites were left out');
