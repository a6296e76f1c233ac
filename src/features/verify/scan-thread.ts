/** What a thread for scans runs: it answers files with what scans find in them. */
import { answerTasks } from './scan-answer.ts';
import { SCANS } from './scans.ts';

answerTasks(SCANS.map(({ scan }) => scan));
