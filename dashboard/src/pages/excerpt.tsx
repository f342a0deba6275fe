import type { SourceProblem } from '../../../src/wire/dashboard/sources.ts'
import { Scrolled } from '../parts/scrolled.tsx'

/** Lines of a file, with a mark beneath the place. */
export function Excerpt(props: {
  readonly excerpt: NonNullable<SourceProblem['excerpt']>
  readonly line: number
  readonly column: number
}) {
  const { excerpt, line, column } = props
  const { firstLine, lines } = excerpt
  const width = String(firstLine + lines.length).length
  return (
    <Scrolled class="excerpt" label={`Lines around line ${line}`}>
      {lines.map((text, index) => {
        const number = firstLine + index
        const isHere = number === line
        return (
          <span key={number} class={isHere ? 'here' : ''}>
            <span class="quiet">{String(number).padStart(width)} │ </span>
            {text}
            {'\n'}
            {isHere && column > 0 && (
              <span class="caret" aria-hidden="true">
                {' '.repeat(width)} │ {' '.repeat(column - 1)}
                {'^'.repeat(markLength(text, column))}
                {'\n'}
              </span>
            )}
          </span>
        )
      })}
    </Scrolled>
  )
}

/** To the end of the word at the column. */
function markLength(text: string, column: number): number {
  return Math.max(1, /^[^\s,:\]}]*/.exec(text.slice(column - 1))?.[0].length ?? 1)
}
