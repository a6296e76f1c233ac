/**
 * The one file of undici that plain connections need. Importing the package's index also loads fetch, WebSocket, caches
 * and mocks, which takes three times as long; the version is pinned exactly, and the contract suite runs through it.
 */
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici';
  export default Agent;
}
