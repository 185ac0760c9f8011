/** A baton on its way: the mark of the dashboard and its tab. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
<rect width="24" height="24" rx="6" fill="#4f46e5"/>
<path d="M5 16.5 15.5 6l2.5 2.5L7.5 19z" fill="#fff"/>
<circle cx="18" cy="17" r="2" fill="#a5b4fc"/><circle cx="6" cy="7" r="2" fill="#a5b4fc"/>
</svg>
`;
