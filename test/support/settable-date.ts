/**
 * Loaded by `--import` into a process of ours: its date is ahead by the milliseconds in a file, as when a person or NTP sets
 * the clock of the machine. Timers and the monotonic clock stay as they are.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'

const RealDate = Date
const file = process.env.MOORING_TEST_DATE_FILE ?? ''
const nowMs = () => RealDate.now() + Number(readFileSync(file, 'utf8'))

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parameters: [], newTarget) =>
    Reflect.construct(target, parameters.length === 0 ? [nowMs()] : parameters, newTarget),
  get: (target, property, receiver) => (property === 'now' ? nowMs : Reflect.get(target, property, receiver)),
})
