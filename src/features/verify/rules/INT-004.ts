import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-004', 'file-unreadable', 'File cannot be read');
