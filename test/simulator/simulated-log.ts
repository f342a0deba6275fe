import { type Log, silentLog } from '../../src/lib/log.ts'

/** A log of one history. Every line is looked through for secrets; they are kept where somebody wants to read them. */
export function createSimulatedLog(nowMs: () => number, keeps: boolean) {
  const lines: string[] = []
  const simulated = {
    lines: lines as readonly string[],
    onText: (_text: string) => {},
    log: undefined as unknown as Log,
  }
  const write = (level: string) => (fields: unknown, message?: string) => {
    const text = `${level} ${message ?? ''} ${typeof fields === 'string' ? fields : JSON.stringify(fields)}`
    simulated.onText(text)
    if (keeps) lines.push(`${(nowMs() / 1000).toFixed(3)} s ${text}`)
  }
  simulated.log = new Proxy(silentLog, {
    get(target, name) {
      if (name === 'child') return () => simulated.log
      if (name === 'debug' || name === 'trace') return () => {}
      if (name === 'info' || name === 'warn' || name === 'error') return write(name)
      return Reflect.get(target, name)
    },
  })
  return simulated
}
