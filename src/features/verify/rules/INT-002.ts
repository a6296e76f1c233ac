import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-002', 'tool-failed', 'Program failed');
