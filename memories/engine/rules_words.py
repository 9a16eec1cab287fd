"""Pieces of English that the built-in extractor is made of, as regular expressions without flags."""

# Time
DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|today|tomorrow|tonight|yesterday)"
MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
)
NUMBER = r"(?:\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|eighteen|nineteen)"
DATE = rf"(?:\b{MONTH}\b|\b(?:19|20)\d\d\b|\b\d{{1,2}}[./-]\d{{1,2}}\b)"
ON_DATE = rf"(?:on )?(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}|{MONTH}(?: the)? \d{{1,2}}(?:st|nd|rd|th)?)"

# Words that are no names and no towns, though a sentence or a whim may give them a capital.
MOODS = (
    r"(?:amazing|great|good|bad|awesome|boring|brilliant|cool|nice|fine|fun|funny|perfect|wonderful|terrible|awful"
    r"|happy|sad|tired|sorry|sure|ready|lost|late|early|busy|hungry|bored|confused|crazy|weird|lovely|beautiful|okay|ok"
    r"|exhausting|draining|tiring|interesting|demanding|challenging|rewarding|killing|lazy|single|married|pregnant"
    r"|important|impossible|true|false|right|wrong|done|over|free|gone|back|here|there|now|not|just|so|very|too|also"
    r"|still|going|being|getting|driving|vegan|vegetarian|left|welcome|christmas|easter|halloween|summer|winter|spring"
    r"|autumn|muslim|hindu|buddhist|sikh|atheist|protestant|head|chief|lead|team|senior|junior|gemini|virgo|libra)"
)
NO_NAME = rf"(?:{MOODS}|{DAY}|{MONTH}|nothing|nobody|no|none|every\w+|some\w+|any\w+|same|all|new|from|sign|come|look)"
COMMON = (
    rf"(?:{MOODS}|{DAY}|a|an|the|my|our|your|his|her|their|this|that|these|those|it|its|i|me|you|him|them|us|we|they"
    r"|one|some|any|all|another|other|both|each|no|what|which|where|when|how|who|if|and|or|but|of|in|on|at|to|for"
    r"|by|with|up|out|off|down|about|around|tears|bed|town|work|school|peace|fear|pain|hope|love|sin"
    r"|hospital|prison|jail|"
    r"college|university|home|music|food|sleep|time|night|luxury|poverty|style|general|fact|person|public|private|"
    r"management|sales|marketing|step|more|less|last|next|hard|easy|bus|bike|car|train|foot|plane|is|are|was|be|do|go)"
)
NO_TOWN = (
    rf"(?:{DAY}|{MONTH}|linux|windows|mac\w*|python|rust|sales|marketing|google|apple|android|iphone|slack|teams|zoom"
    r"|github|gitlab|postgres\w*|christmas|easter|god|jesus|heaven|hell)"
)
# A word with a capital. Rules compile it a second time, for people who write none, as a word that is not common.
CAPITAL = r"(?-i:[^\W\d_a-zß-öø-ÿ][\w'.&-]*)"
UNCOMMON = rf"(?:(?!{COMMON}\b)[^\W\d_][\w'-]+)"
TITLE = r"(?:(?:dr|mr|mrs|ms|prof|professor|sir|lady|dame|lord|sister|father)\.? )"
NAME = rf"{TITLE}?(?!{NO_NAME}\b){CAPITAL}(?: (?:de |da |van |von )?{CAPITAL}){{0,3}}"
# Given names that are written without a capital, or look like an adjective ("Ian"), and are names all the same.
GIVEN = (
    r"(?:ana|anna|anne|ann|annie|joana|joanna|jo|joan|john|jon|johan|jan|jane|janet|jean|jack|james|jim"
    r"|jimmy|joe|joseph"
    r"|tom|thomas|tim|ted|tony|ben|benjamin|bob|rob|robert|brian|ryan|ian|ivan|sean|dan|daniel|dave|david"
    r"|dean|alan|adrian"
    r"|christian|sebastian|damian|julian|fabian|bastian|kilian|florian|maximilian|stefan|stephan|jonathan|nathan|ethan"
    r"|logan|megan|susan|vivian|lilian|gillian|morgan|evan|juan|hassan|milan|zoran|goran|dominic|eric"
    r"|erik|patric|frederic"
    r"|mike|michael|miguel|manuel|maria|marie|mary|marta|martha|martin|marco|marcus|matt|matthew|max|mia"
    r"|emma|emily|ella"
    r"|eva|eve|elena|helen|helena|ines|inês|isabel|lisa|lena|laura|leo|leon|lea|leah|luca|lucas|lukas"
    r"|lucy|luis|luke|nina"
    r"|nora|olga|oliver|olivia|oscar|paul|paula|pedro|peter|petra|phil|philip|rita|rosa|ruth|sam|sara"
    r"|sarah|sofia|sophia"
    r"|sophie|simon|stella|steve|sven|teresa|tess|tina|victor|vera|walter|yusuf|zoe|kit|kate|katie|kim"
    r"|karen|karin|klara"
    r"|clara|chloe|carlos|carl|karl|diana|diego|elias|felix|finn|frank|fred|george|greta|hugo|ida|jakob|jacob|joao|joão"
    r"|jose|josé|julia|julie|kevin|mateo|mohammed|muhammad|ahmed|ali|omar|fatima|aisha|noah|pablo|raj|priya|anil|rachel"
    r"|rebecca|ricardo|rui|tiago|tomas|ursula|wei|yuki|zara|amy|andy|andrew|angela|alice|alfred|manfred"
    r"|wilfred|mohamed|jared|alex|charlie|chris|claire|ed)"
)
# What one is rather than is called, after "I'm": "Danish", "Excited".
TRAIT = (
    r"(?:\w*(?:ish|ese|ian|ean|man|ch|ic|an|ed|ing)|greek|thai|swiss|turk|dane|swede|finn|pole|welsh"
    r"|israeli|iraqi|iranian"
    r"|pakistani|bangladeshi|saudi|kuwaiti|nepali|croat|serb|slovak|slovene|filipino|latino|latina|arab|kurd|scots|scot"
    r"|capricorn|aquarius|pisces|aries|taurus|scorpio|sagittarius)"
)

# Who speaks, and how
AM = r"(?:I(?:'m| am)|im|we(?:'re| are))"
HAVE = r"(?:I(?:'ve| have)?|we(?:'ve| have)?)"
FAMILY_AND_I = r"(?:I|we|my \w+ (?:and|&) I)"
ADVERB = (
    r"(?:(?:really|still|also|now|just|always|usually|actually|absolutely|mostly|only|currently|recently|finally|much"
    r"|already|strongly|generally|normally|both|all) ){0,3}"
)
A = r"(?:an?|the|my|our|two|three|four|five|several|some|\d+)"
NO_MORE = r"(?:any ?more|any longer)"
MY = r"(?:my|our) (?:[\w-]+ ){0,2}?"
THINGS = r"[\w' -]{1,60}"

# What things are
DIETS = r"(?:vegetarian|vegan|pescatarian|flexitarian|lacto-vegetarian|omnivore|carnivore|fruitarian)"
DIET_WAYS = (
    r"(?:keto|ketogenic|paleo|plant[- ]based|low[- ]carb|gluten[- ]free|mediterranean|vegan|vegetarian"
    r"|kosher|halal|raw)"
)
FOOD = (
    r"(?:gluten|dairy|milk|lactose|meat|fish|pork|beef|poultry|chicken|seafood|shellfish|eggs?|sugar"
    r"|sweets|nuts|peanuts"
    r"|wheat|bread|carbs|alcohol|wine|beer|coffee|caffeine|soya?|mushrooms|onions|garlic|red meat|animal products)"
)
NO_JOB = (
    r"(?:feminist|pessimist|optimist|tourist|atheist|pacifist|racist|perfectionist|realist|minimalist|idealist|egoist"
    r"|motorist|cyclist|buddhist|methodist|communist|socialist|capitalist|activist|beer|list|twist|pioneer|gist|mist)"
)
JOBS = (
    rf"(?:(?!{NO_JOB}\b)\w+(?:ologist|ician|grapher|eer|matician|smith|ist|mason|blower|maker|wright"
    rf"|seller|layer|monger)"
    r"|\w*(?:keeper|worker|binder|dresser|tuner|cutter|operator|restorer|repairer|guide|guard|agent|officer)"
    r"|nurse|doctor|teacher|professor|lecturer|surgeon|vicar|priest|monk|nun|roofer|welder|potter|weaver|brewer|dyer"
    r"|lawyer|attorney|solicitor|barrister|notary|baker|butcher|cook|chef|miller|tiler|glazier|sculptor|composer"
    r"|conductor|violist|driver|pilot|farmer|gardener|carpenter|joiner|plumber|painter|writer|author|editor|journalist"
    r"|reporter|translator|interpreter|poet|novelist|astronaut|steward|stewardess|sommelier|model|tuner|luthier"
    r"|developer|programmer|designer|architect|artist|musician|actor|actress|dancer|singer|student|researcher|scientist"
    r"|chemist|biochemist|physicist|economist|accountant|auditor|manager|director|consultant|analyst|banker|barista"
    r"|waiter|waitress|bartender|dentist|veterinarian|vet|pharmacist|therapist|midwife|paramedic|firefighter|policeman"
    r"|policewoman|soldier|sailor|judge|clerk|secretary|assistant|librarian|tailor|hairdresser|barber|mason|miner"
    r"|fisherman|jeweller|tester|coach|trainer|instructor|tutor|freelancer|entrepreneur|founder|salesman|saleswoman"
    r"|cashier|courier|optician|caretaker|carer|recruiter|apprentice|intern|shepherd|forester|diver|captain|cooper)"
)
# Between "I'm a" and the job: a kind of it, never a judgement or somebody else.
KIND_OF_JOB = (
    r"(?:(?!(?:of|fan|friend|son|daughter|child|wife|husband|and|with|like|the|good|bad|great|terrible"
    r"|awful|decent|slow"
    r"|fast|lousy|poor|better|best|huge|big|hobby|amateur|former|ex|aspiring|happy)\b)[\w-]+ ){0,3}"
)
JOB = rf"{KIND_OF_JOB}{JOBS}\b(?!'s)"
JOB_WORD = r"(?:job|profession|occupation|trade|line of work)"
PASSING = (
    r"(?:question|problem|issue|idea|feeling|headache|minute|moment|look|doubt|point|cold|guess"
    r"|chance|choice|suggestion)"
)
NOT_MINE = (
    r"(?:question|problem|issue|point|guess|bad|apologies|mistake|understanding|goodness|god|idea"
    r"|bet|pleasure|fault|answer|message|prompt|text|code|head|internet|wifi|screen|computer|turn|thanks)"
)
HABIT = (
    r"(?:speak|play|run|swim|cycle|paint|draw|sing|dance|cook|bake|knit|read|write|collect|study|studied|teach|taught"
    r"|drive|own|keep|grow|practi[sc]e|volunteer|train|commute|use|wear|drink|smoke|eat|wake up|get up|go|travel|climb"
    r"|ski|surf|sail|fish|garden|meditate|attend|attended|graduated|married|adopted|bought|sold|quit|started|stopped"
    r"|joined|retired|lost|won|need(?! (?:help|to (?:know|find|write|fix|do|get|see|go|ask)|your|you|some"
    r"|an? (?:hand|break|moment|minute|second|favou?r|answer|quick))\b)|suffer|grew up|was born|visited|met|support"
    r"|belong|believe|follow|know how|learned"
    r"|learnt|used to|never|walk|hike|sew|build|make|repair|moved in with|share my (?:life|home|flat|house) with)"
)
PETS = (
    r"(?:dog|puppy|cat|kitten|parrot|budgie|canary|hamster|guinea pig|rabbit|horse|pony|tortoise|turtle|goldfish|snake"
    r"|lizard|ferret|pet|beagle|labrador|poodle|terrier|spaniel|dachshund|collie|greyhound|retriever|hen|goat|donkey)"
)
PEOPLE = (
    r"(?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mother|father|mum|mom|dad|sister|brother|son|daughter"
    r"|boss|manager|best friend|grandmother|grandfather|twin)"
)

# Where somebody lives
TOWN = rf"(?!{NO_TOWN}\b){CAPITAL}(?!\S* (?:place|house|flat)\b)"
PLACE = (
    r"(?:in|to|at|near|outside|around) (?:(?:the )?(?:city|town|village|outskirts|centre|center|suburbs"
    r"|north|south|east|west"
    r"|\w+ part) of "
    rf"|(?:the |north(?:ern)? |south(?:ern)? |east(?:ern)? |west(?:ern)? |central |downtown |beautiful "
    rf"|sunny |rainy |lovely |old |little ){{0,2}}){TOWN}"
)
MANNER = (
    r"(?:(?:alone|here|now|happily|together|again|back|over|up|down|out|away|mostly|permanently|temporarily|today|house"
    rf"|home|with (?:my|our|an?|the|two) [\w-]+(?: and (?:my |our )?[\w-]+)?|with {CAPITAL}|on my own|from {CAPITAL}"
    rf"|last (?:week|month|year|summer|winter|spring|autumn)|(?:in|to|on|by) (?:an?|the|my"
    rf"|our) (?:[\w-]+ ){{0,2}}[\w-]+),? ){{0,3}}?"
)
LIVING = (
    rf"(?:{FAMILY_AND_I} {ADVERB}(?:live|reside|moved|relocated|settled)|{AM} {ADVERB}(?:living|based|settled|located)"
    rf"|{HAVE} {ADVERB}(?:been living|been based|moved|relocated|settled)"
    # "I lived in Ghent" tells of former times.
    rf"|(?:I|we)(?:'ve| have) {ADVERB}lived"
    r"|my (?:new )?(?:home|flat|house|apartment|place) is(?: now)?)"
)
CALLS_ME = (
    r"(?:(?:people|(?:my )?friends|(?:my )?family|colleagues|everyone|everybody|they|folks)"
    r" (?:all |usually )?(?:calls?|knows?) me(?: as)?|(?:please |you can |you may |just ){0,2}(?:call"
    r"|address) me(?: as)?)"
)

# Somebody of my own: those of whom there is one, and those who need a name to be told apart.
ONE_OF_A_KIND = r"(?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mother|father|mum|mom|dad|boss)"
KIN = (
    rf"(?:{ONE_OF_A_KIND}|(?:step|half[- ]?|grand|great-?grand)?(?:sister|brother|son|daughter|mother|father|child"
    rf"|dad|mum"
    r"|mom|parents|kids?)s?|cousin|uncle|aunt|nephew|niece|granny|grandma|grandpa|twin|neighbou?r|colleague|roommate"
    r"|flatmate|friend|in-laws|family)"
)
WHO = (
    rf"(?:(?:older|elder|younger|little|big|best|eldest|youngest|late|twin) )?(?:{ONE_OF_A_KIND}"
    rf"|{KIN},? (?!{NO_NAME}\b){CAPITAL})"
)
# What is over, and needs a day to be worth keeping; not what one did with a word to somebody.
DONE = (
    r"(?!(?:asked|told|said|mentioned|typed|clicked|meant|thought|wanted|needed|tried|used|called|texted|messaged"
    r"|wondered"
    r"|liked|hoped|guessed|started over|forgot)\b)(?!moved on\b)(?:\w{2,}ed|ran|had|got|went|saw|met|bought|sold"
    r"|took|gave|made|won|lost"
    r"|left|flew|began|wrote|found|broke|spent|became|built|drove|swam|fell|taught|rode|grew|sang|hurt|cut|quit"
    r"|passed|came"
    r"|read|hit|caught)"
)
A_DAY = (
    rf"(?:yesterday|last (?:week|weekend|month|year|spring|summer|autumn|winter|{DAY}|{MONTH})|\bago\b|\bin (?:19"
    rf"|20)\d\d"
    rf"|\b(?:on|in|last) (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?(?:{DAY}|{MONTH})\b|\b(?:19|20)\d\d-\d\d-\d\d)"
)
NOT_KEPT = (
    r"(?:time|clue|idea|patience|energy|words|doubt|problem|problems|question|questions|choice|access|it|that|this"
    r"|them)"
)
