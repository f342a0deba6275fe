import pino from 'pino'

/** Structured log: a constant message plus keys and values. Secrets are never handed to it. */
export type Log = pino.Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** One JSON object a line on `stream` (default: standard error, so that standard output is the answer). */
export function createLog(level: LogLevel, stream?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream ?? pino.destination({ fd: 2, sync: true }),
  )
}

/** For tests and callers that want no log. */
export const silentLog: Log = pino({ level: 'silent' })
