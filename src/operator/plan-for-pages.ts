import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kindNames, listOr } from '../lib/declared-kinds.ts'
import { UsageError } from '../lib/errors.ts'
import { createInTurn } from '../lib/in-turn.ts'
import type { PlanAnswer, PlanRequest } from '../wire/dashboard/sources.ts'
import type { Admin } from './admin/admin.ts'
import { excerptOf } from './admin/pages/excerpt.ts'
import { presentPlan } from './admin/pages/plan.ts'
import { presentProblem } from './admin/pages/sources.ts'
import { createKeyedHash } from './inventory/keyed-hash.ts'
import { type Key, keyOf } from './plan/identity.ts'
import { expandPerAlloc } from './plan/per-alloc.ts'
import { planCluster } from './plan-once.ts'
import type { OperatorSettings } from './settings.ts'
import { createParse, sourceName } from './sources/open-sources.ts'

const pastedFile = 'pasted.yaml'

/**
 * Plans what a person pastes or names, beside the running operator, as `mooring plan` does. One plan at a time: each reads
 * Nomad and the plugins anew.
 */
export function createPlanForPages(
  { own, directory, loop }: OperatorSettings,
  admin: Pick<Admin, 'inventory' | 'hashKey'>,
): (request: PlanRequest) => Promise<PlanAnswer> {
  const inTurn = createInTurn()
  const { webhook: _, ...cluster } = own

  async function plan(place: string, isAbout?: (key: Key) => boolean) {
    const keyedHash = createKeyedHash(Buffer.from(await admin.hashKey(), 'base64'))
    const settings = { ...cluster, sources: { ...cluster.sources, places: [place] } }
    // What the folder lacks may be declared in another source.
    const prune = isAbout === undefined ? loop.prune : { ...loop.prune, prune: false }
    return planCluster(settings, prune, directory, {
      contents: await admin.inventory(),
      keyedHash,
      ...(isAbout === undefined ? {} : { isAbout }),
    })
  }

  async function planDocuments(text: string): Promise<PlanAnswer> {
    const parsed = createParse(cluster.sources.variables)(text, { source: 'pasted', file: '' })
    const keys = new Set(parsed.declarations.flatMap(expandPerAlloc).map(keyOf))
    const problems = parsed.problems.map((problem) => {
      const shown = presentProblem(problem, 'invalid')
      const excerpt = excerptOf(text, shown.line)
      return excerpt === undefined ? shown : { ...shown, excerpt }
    })
    if (keys.size === 0 && problems.length === 0)
      throw new UsageError(`the text declares nothing: paste ${listOr(kindNames.map((kind) => `a ${kind}`))}`)
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mooring-plan-')))
    try {
      writeFileSync(join(folder, pastedFile), text, { mode: 0o600 })
      const planned = await plan(folder, (key) => keys.has(key))
      // The problems are shown with their lines.
      const answer = presentPlan(
        { ...planned, problems: parsed.problems.length > 0 ? [] : planned.problems },
        problems,
        own.name,
      )
      const paths = [join(folder, pastedFile), folder]
      return JSON.parse(paths.reduce((all, path) => all.replaceAll(path, 'pasted'), JSON.stringify(answer)))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** What other sources declare is none of the folder's business: it stays as it is. */
  async function planFolder(folder: string): Promise<PlanAnswer> {
    const source = sourceName(folder)
    const { declared } = await admin.inventory()
    const elsewhere = new Set(
      declared.flatMap(({ key, declaration }) => (declaration.place.source === source ? [] : [key])),
    )
    const planned = await plan(folder)
    const held = planned.held.filter(({ key, reason }) => !(reason === 'SourceNotRead' && elsewhere.has(key)))
    return presentPlan({ ...planned, held }, [], own.name)
  }

  return ({ documents, folder }) => {
    if ((documents === undefined) === (folder === undefined))
      throw new UsageError('write either documents or folder, and not both')
    return inTurn('plan', async () =>
      documents === undefined ? planFolder(folder ?? '') : planDocuments(documents),
    )
  }
}
