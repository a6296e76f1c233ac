import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-007', 'scan-ended', 'Scan of a file was ended');
