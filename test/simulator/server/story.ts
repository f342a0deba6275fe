import type { ServerHappened } from './history.ts'
import { describeRequest } from './requests.ts'
import type { ServerOutcome, ServerPlan } from './run-server-history.ts'

/** Tells a history in plain words: what clients and fate did, what followed, and what is wrong with it. */
export function tellServerStory(plan: ServerPlan, outcome: ServerOutcome): string {
  const lines = [
    `The plugin ${plan.deletesInUse ? 'deletes' : 'refuses to delete'} a volume that is attached, and makes disks of multiples of ${plan.habits.roundsUpTo} bytes.`,
  ]
  for (const happened of outcome.happened) {
    const text = tell(happened)
    if (text !== undefined) lines.push(`${time(happened.atMs)}  ${text}`)
  }
  for (const { rule, text, atMs } of outcome.violations.slice(0, 3)) {
    lines.push(`${time(atMs)}  WRONG: ${text}`, `${' '.repeat(12)}  against: ${rule}`)
  }
  return lines.join('\n')
}

const time = (ms: number) => `${(ms / 1000).toFixed(3)} s`.padStart(12)

/** Calls of a plugin that change nothing are many, and tell nothing. */
const isQuiet = (rpc: string) => /^(Probe|.*Get.*|List.*|Validate.*)$/.test(rpc)

function tell(happened: ServerHappened): string | undefined {
  switch (happened.type) {
    case 'act':
      return happened.text
    case 'request sent':
      return `    request ${happened.id} is sent: ${describeRequest(happened.request)}${happened.request.ask === 'wait' ? ` past index ${happened.index}` : ''}`
    case 'request answered': {
      const { status, index, text } = happened.answer
      const shown = status === 200 ? '' : `: ${text}`
      return `    request ${happened.id} (${happened.request.ask}) is answered ${status}${index === undefined ? '' : ` at index ${index}`}${shown}`
    }
    case 'request lost':
      return `    request ${happened.id} (${happened.request.ask}) gets no answer${happened.wasSent ? '' : ', and was not sent'}`
    case 'plugin called':
      return isQuiet(happened.rpc)
        ? undefined
        : `    the plugin carries out ${happened.rpc} ${happened.about}`
    case 'disk made':
      return `    the plugin makes ${happened.externalID}, named ${happened.name}`
    case 'disk given again':
      return `    the plugin answers with ${happened.externalID}, which has the name ${happened.name} already`
    case 'disk deleted':
      return `    ${happened.externalID} is gone`
    case 'mounted':
      return `    ${happened.externalID} is mounted at ${happened.target}${happened.isReadOnly ? ' for reading' : ''}`
    case 'unmounted':
      return `    ${happened.externalID} is unmounted from ${happened.target} by ${happened.by}`
    case 'process killed':
      return `    ${happened.process} is dead`
    case 'server listens':
      return `    ${happened.process} listens`
    case 'text shown':
      return `    a secret appears in the ${happened.where}`
    default:
      return undefined
  }
}
