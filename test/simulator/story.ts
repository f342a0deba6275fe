import type { Outcome, Plan } from './run-history.ts'
import type { Happened } from './world/history.ts'

/** Tells a history in plain words: what people and fate did, what followed, and what is wrong with it. */
export function tellStory(plan: Plan, outcome: Outcome): string {
  const { habits } = plan
  const lines = [
    `The plugin ${habits.listsVolumes ? 'lists' : 'does not list'} volumes, ${habits.listsSnapshots ? 'lists' : 'does not list'} snapshots${habits.listLagMs > 0 ? `, and its lists are ${habits.listLagMs / 1000} s old` : ''}${habits.snapshotsNeedTheirDisk ? '. It deletes no disk that has snapshots' : ''}.`,
  ]
  for (const happened of outcome.happened) {
    const text = tell(happened)
    if (text !== undefined) lines.push(`${time(happened.atMs)}  ${text}`)
  }
  for (const { rule, text, atMs } of outcome.violations.slice(0, 3)) {
    lines.push(`${time(atMs)}  WRONG: ${text}`, `${' '.repeat(10)}  against: ${rule}`)
  }
  return lines.join('\n')
}

function time(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`.padStart(
    10,
  )
}

function tell(happened: Happened): string | undefined {
  switch (happened.type) {
    case 'act':
      return happened.text
    case 'effect sent':
      return `    ${happened.by} sends ${happened.call} ${happened.about}`
    case 'effect under way':
    case 'effect carried out':
    case 'effect refused':
    case 'process started':
    case 'object write arrives':
      return undefined
    case 'object changed':
      return happened.by === 'a person' && happened.change !== 'gone'
        ? undefined
        : `    ${happened.about} (${happened.uid}) is ${happened.change}: by ${happened.by}`
    case 'process killed':
      return `    ${happened.process} is killed`
    case 'disk made':
      return `    the plugin makes ${happened.externalID} (${happened.content}), named ${happened.name}`
    case 'disk given again':
      return `    the plugin answers with ${happened.externalID}, which has the name ${happened.name} already`
    case 'disk deleted':
      return `    ${happened.externalID} is gone: by ${happened.by}`
    case 'disk expanded':
      return `    ${happened.externalID} grows to ${happened.sizeBytes} bytes`
    case 'snapshot taken':
      return `    the plugin takes ${happened.snapshotID} of ${happened.externalID} (${happened.content}), named ${happened.name}`
    case 'snapshot given again':
      return `    the plugin answers with ${happened.snapshotID}, which has the name ${happened.name} already`
    case 'snapshot deleted':
      return `    ${happened.snapshotID} is gone: by ${happened.by}`
    case 'volume stored':
      return `    Nomad stores ${happened.at} with ${happened.externalID}: by ${happened.by}`
    case 'volume forgotten':
      return `    Nomad forgets ${happened.at}: by ${happened.by}`
    case 'detached':
      return `    ${happened.externalID} is taken off ${happened.nodeID}`
    case 'content written':
      return `    an allocation writes to ${happened.externalID}`
    case 'text shown':
      return `    a secret appears in the ${happened.where}`
  }
}
