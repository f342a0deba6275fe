import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { openTogether } from '../lib/open-together.ts'
import type { Admin } from './admin/admin.ts'
import { type RunningUI, serveUI } from './admin/http/serve-ui.ts'
import type { ActivityLogs } from './admin/pages/activity-log.ts'
import type { ClusterView } from './admin/pages/cluster-view.ts'
import { createPages, type Pages } from './admin/pages/pages.ts'
import type { ReadText } from './admin/pages/sources.ts'
import { createPlanForPages } from './plan-for-pages.ts'
import type { OperatorSettings } from './settings.ts'
import { isGitAddress } from './sources/git-address.ts'
import { sourceName } from './sources/open-sources.ts'

/** What people see of the operator: the answers of the API, and where it is set, the dashboard. */
export function openOperatorPages(options: {
  readonly settings: OperatorSettings
  /** undefined: this replica stands by. */
  readonly views: () => readonly ClusterView[] | undefined
  readonly standsBy: () => string
  /** The replica that leads, as it was last seen; undefined: this process is alone. */
  readonly leader: () => string | undefined
  readonly admin: Admin
  readonly activity: ActivityLogs
  readonly clock: Clock
  readonly log: Log
}): Promise<{ readonly pages: Pages; readonly ui?: RunningUI; close(): Promise<void> }> {
  const { settings, admin, clock, log, views, standsBy, activity } = options
  const { readOnly, ui: uiSettings } = settings
  const startTime = new Date(clock.now()).toISOString()
  return openTogether(async (adopt) => {
    const pages = adopt(
      createPages({
        ...{ views, standsBy, activity },
        async operator() {
          const { version, replica } = await admin.info()
          return { version, readOnly, startTime, ...(replica === undefined ? {} : { replica }) }
        },
        readText: createReadText(settings),
        plan: createPlanForPages(settings, admin),
        clock,
      }),
    )
    if (uiSettings === undefined) return { pages }
    const noOrders = readOnly ? isReadOnly : uiSettings.readOnly ? isUIReadOnly : undefined
    const leader = () => (options.views() === undefined ? addressIn(options.leader()) : undefined)
    const ui = adopt(await serveUI({ settings: uiSettings, pages, noOrders, leader, clock, log }))
    log.info({ url: ui.url }, 'dashboard listens')
    return { pages, ui }
  })
}

const isReadOnly = 'the operator runs with --read-only: it takes no orders'
const isUIReadOnly = 'the dashboard is served with --ui-read-only: give the order by its command'

/** The name of a replica ends with the address at which it answers for others, where it has one. */
function addressIn(identity: string | undefined): string | undefined {
  return identity?.split('@')[1]
}

/** Larger ones are no file that people wrote. */
const largestTextBytes = 1_000_000

/** Reads files of the folders that are sources here. Those of repositories and objects have no file here. */
function createReadText({ own }: OperatorSettings): ReadText {
  const folders = new Set(own.sources.places.filter((place) => !isGitAddress(place)).map(sourceName))
  return async ({ source, file }) => {
    if (!folders.has(source)) return undefined
    const path = file === '' ? source : join(source, file)
    try {
      const { size } = await stat(path)
      return size > largestTextBytes ? undefined : await readFile(path, 'utf8')
    } catch {
      // It went meanwhile: the problem itself is still shown, without the lines around.
      return undefined
    }
  }
}
