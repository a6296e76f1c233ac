import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-001', 'tool-missing', 'Program is missing');
