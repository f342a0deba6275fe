/** The page of planted faults: what the simulator finds, and after how many histories. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { faultGroups, plantedFaults } from './planted-faults.ts'

export const pagePath = fileURLToPath(new URL('./planted-faults.md', import.meta.url))

export interface PageRow {
  readonly name: string
  /** After how many histories it was found, or in how many it was not. */
  readonly result: string
  /** What an onlooker sees, or why nobody can. */
  readonly sign: string
}

const isFound = ({ result }: PageRow) => /^\d+$/.test(result)

/** Why a fault is not found, where nothing else is said. */
const rare = 'not looked into yet: it may take more histories, or the world lacks what it needs to show'

/** The rows of the page as it stands; none where it does not exist yet. */
export function readPage(path = pagePath): ReadonlyMap<string, PageRow> {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const rows = [...text.matchAll(/^\| (.+) \| `src\/.+` \| (.+) \| (.+) \|$/gm)]
  return new Map(rows.map(([, name = '', result = '', sign = '']) => [name, { name, result, sign }]))
}

/** Writes the page anew, with these rows in the place of those of the same name. */
export function updatePage(rows: readonly PageRow[]): void {
  const known = new Map([...readPage(), ...rows.map((row) => [row.name, row] as const)])
  const listed = plantedFaults.flatMap(({ name }) => known.get(name) ?? [])
  const sections = Object.entries(faultGroups).map(([title, faults]) => {
    const lines = faults.map(({ name, file, notFound }) => {
      const row = known.get(name)
      const sign =
        row === undefined || row.result === 'not tried yet'
          ? ''
          : isFound(row)
            ? row.sign
            : (notFound ?? rare)
      return `| ${name} | \`src/${file}\` | ${row?.result ?? 'not tried yet'} | ${sign || 'unknown'} |`
    })
    return `## ${title}\n\n| fault | where it is planted | histories | what an onlooker sees |\n|---|---|---|---|\n${lines.join('\n')}\n`
  })
  writeFileSync(
    pagePath,
    `# Planted faults\n\n<!-- Written by: npm run simulate -- --faults --histories N -->\n\nEach fault is planted alone, by replacing a text of one module while it is loaded, and random histories are lived through from\nseed 1 until one goes wrong that goes well without the fault. \`npm run simulate -- --fault 'NAME'\` tries one of them again.\n${listed.filter(isFound).length} of ${plantedFaults.length} are found.\n\n${sections.join('\n')}`,
  )
}
