import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-003', 'dependencies-missing', 'Dependencies are not installed');
