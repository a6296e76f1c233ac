/** Entry of a thread that scans files and answers with the results. */
import { answerTasks } from './scan-answer.ts';
import { SCANS } from './scans.ts';

answerTasks(SCANS.map(({ scan }) => scan));
