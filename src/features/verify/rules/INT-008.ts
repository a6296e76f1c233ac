import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-008', 'plugin-failed', 'Plugin could not check');
