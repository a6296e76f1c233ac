import { obstacleRule } from '../obstacle.ts';

export const rule = obstacleRule('INT-005', 'service-missing', 'Service of a required suite is missing');
