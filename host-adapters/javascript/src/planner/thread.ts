// A thread, whatever the platform calls it.

/** A thread that was started. */
export interface Thread {
  post(message: unknown): void;
  /** Whether it keeps the process alive. */
  keepsProcessAlive(keeps: boolean): void;
  terminate(): void;
}

/** What comes from a thread. */
export interface Listener {
  message(message: unknown): void;
  /** It has ended by an error. */
  error(error: unknown): void;
}

/** Starts a thread. */
export type StartThread = (listener: Listener) => Thread;

/** The thread's own side. */
export interface Parent {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}
