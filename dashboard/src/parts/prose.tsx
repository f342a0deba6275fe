import { Moment } from './time.tsx'

const isoTime = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** A sentence of the operator. Times in it are written in the person's zone. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(isoTime).map((part, index) => (index % 2 === 1 ? <Moment key={index} at={part} /> : part))}
    </>
  )
}
