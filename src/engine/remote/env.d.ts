/** A file's text, put into the build by Vite. */
declare module '*.proto?raw' {
  const text: string;
  export default text;
}
